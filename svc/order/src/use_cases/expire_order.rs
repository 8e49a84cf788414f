//! Expires an order whose deadline has passed.

use std::time::Duration;

use bus::ConsumeError;
use db::Tx;
use events::Expiration;
use values::Timestamp;

use super::save::save_order;
use crate::{domain::Change, store};

/// Cancels an unpaid order at its deadline, or moves the deadline once by `payment_extension` if a payment is pending.
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
    if order.expire_or_extend(expiration.deadline, payment_extension, now) == Change::NewVersion {
        save_order(tx, &order, now)?;
    }
    Ok(())
}
