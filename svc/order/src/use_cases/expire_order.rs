//! Expires an order whose deadline has passed.

use std::time::Duration;

use bus::ConsumeError;
use db::Tx;
use events::Expiration;
use values::Timestamp;

use super::save;
use crate::{domain::Change, store};

pub(crate) fn expire_order(
    tx: &Tx,
    now: Timestamp,
    expiration: &Expiration,
    extension: Duration,
) -> Result<(), ConsumeError> {
    // An order that a restored database lost has no hold either: nothing is left to expire.
    let Some(mut order) = store::order(tx, expiration.order_id)? else {
        return Ok(());
    };
    if order.expire(expiration.deadline, extension, now) == Change::Made {
        save::changed(tx, &order, now)?;
    }
    Ok(())
}
