//! Publishes the state of every payment again.

use db::Tx;
use values::Timestamp;

use super::publish::{publish_payment, republish_refunds};
use crate::store;

/// How many payments one transaction publishes.
const BATCH: u32 = 500;

/// Publishes a batch of payments after `after`; returns the last of them, if any.
pub(crate) fn republish(tx: &Tx, now: Timestamp, after: Option<&str>) -> Result<Option<String>, db::Error> {
    let payments = store::payments_after(tx, after.unwrap_or_default(), BATCH)?;
    for payment in &payments {
        publish_payment(tx, now, payment)?;
        republish_refunds(tx, now, payment)?;
    }
    Ok(payments.last().map(|payment| payment.id().to_string()))
}
