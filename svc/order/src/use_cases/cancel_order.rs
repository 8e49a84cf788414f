//! Cancels an order for its buyer.

use db::Tx;
use rusqlite::Connection;
use values::{OrderId, Timestamp, UserId};

use super::save::save_order;
use crate::{
    domain::{CannotCancel, Change, Order},
    store,
};

/// Why an order was not cancelled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CancelOrderError {
    #[error("there is no order {0}")]
    NotFound(OrderId),
    /// It is another buyer's: that it exists is not disclosed.
    #[error("there is no order {0}")]
    NotYours(OrderId),
    #[error(transparent)]
    CannotCancel(#[from] CannotCancel),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Cancels a buyer's own order and releases its tickets. To cancel it again changes nothing.
pub(crate) fn cancel_order(tx: &Tx, now: Timestamp, buyer: UserId, id: OrderId) -> Result<(), CancelOrderError> {
    let mut order = order_of_buyer(tx, buyer, id)?;
    if order.cancel(now)? == Change::NewVersion {
        save_order(tx, &order, now)?;
    }
    Ok(())
}

/// Returns a buyer's own order.
pub(crate) fn order_of_buyer(conn: &Connection, buyer: UserId, id: OrderId) -> Result<Order, CancelOrderError> {
    match store::find_order(conn, id)? {
        Some(order) if order.is_bought_by(buyer) => Ok(order),
        Some(_) => Err(CancelOrderError::NotYours(id)),
        None => Err(CancelOrderError::NotFound(id)),
    }
}
