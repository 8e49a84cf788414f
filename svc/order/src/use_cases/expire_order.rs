//! Expires an order whose deadline has passed.

use std::time::Duration;

use bus::ConsumeError;
use db::Tx;
use events::Expiration;
use values::Timestamp;

use super::save::save_order;
use crate::{domain::Change, store};

/// Cancels an unpaid order at its deadline, or moves the deadline once by `payment_extension` if a payment is pending, to
/// the present start of the event at most.
///
/// An order that is missing, because the database was restored from a backup, holds no tickets: it is ignored.
pub(crate) fn expire_order(
    tx: &Tx,
    now: Timestamp,
    expiration: &Expiration,
    payment_extension: Duration,
) -> Result<(), ConsumeError> {
    let Some(mut order) = store::find_order(tx, expiration.order_id)? else {
        return Ok(());
    };
    let starts_at = store::find_listing(tx, order.ticket_id())?.and_then(|listing| listing.starts_at);
    if order.expire_or_extend(expiration.deadline, payment_extension, starts_at, now) == Change::NewVersion {
        save_order(tx, &order, now)?;
    }
    Ok(())
}
