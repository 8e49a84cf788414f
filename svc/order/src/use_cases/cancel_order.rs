//! Cancels an order for its buyer.

use db::Tx;
use values::{OrderId, Timestamp, UserId};

use super::save::save_order;
use crate::{
    domain::{CannotCancel, Change},
    store,
};

/// Why an order was not cancelled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CancelOrderError {
    /// There is none, or it is another buyer's: that it exists is not disclosed.
    #[error("there is no order {0}")]
    NotFound(OrderId),
    #[error(transparent)]
    CannotCancel(#[from] CannotCancel),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Cancels a buyer's own order and releases its tickets. To cancel it again changes nothing.
pub(crate) fn cancel_order(tx: &Tx, now: Timestamp, buyer: UserId, id: OrderId) -> Result<(), CancelOrderError> {
    let order = store::find_order(tx, id)?.filter(|order| order.is_bought_by(buyer));
    let mut order = order.ok_or(CancelOrderError::NotFound(id))?;
    if order.cancel(now)? == Change::NewVersion {
        save_order(tx, &order, now)?;
    }
    Ok(())
}
