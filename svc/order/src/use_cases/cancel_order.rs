//! A buyer thinks better of it.

use db::Tx;
use values::{OrderId, Timestamp, UserId};

use super::save;
use crate::{
    domain::{CannotCancel, Change},
    store,
};

/// Why an order was not cancelled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CancelOrderError {
    /// Also if it is another's: who asks does not learn that it exists.
    #[error("there is no order {0}")]
    NotFound(OrderId),
    #[error(transparent)]
    CannotCancel(#[from] CannotCancel),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Cancels a buyer's own order and puts its tickets on sale again. Cancelled again, nothing happens.
pub(crate) fn cancel_order(tx: &Tx, now: Timestamp, buyer: UserId, id: OrderId) -> Result<(), CancelOrderError> {
    let order = store::order(tx, id)?.filter(|order| order.buyer_id == buyer);
    let mut order = order.ok_or(CancelOrderError::NotFound(id))?;
    if order.cancel(now)? == Change::Made {
        save::changed(tx, &order, now)?;
    }
    Ok(())
}
