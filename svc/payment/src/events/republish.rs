//! Publishes the state of every payment again.

use db::Tx;
use values::Timestamp;

use super::publish::{publish_payment, republish_refunds};
use crate::store;

/// How many payments one transaction publishes.
const BATCH: u32 = 500;

/// Publishes a batch of payments after `after`, those that have changed since `since`, with their refunds and disputes: each
/// change of them is a new version of the payment. Returns the last payment of the batch, if any.
pub(crate) fn republish(
    tx: &Tx,
    now: Timestamp,
    since: Option<Timestamp>,
    after: Option<&str>,
) -> Result<Option<String>, db::Error> {
    let payments = store::payments_after(tx, after.unwrap_or_default(), BATCH)?;
    for payment in payments
        .iter()
        .filter(|payment| Some(payment.state().updated_at) >= since)
    {
        publish_payment(tx, now, payment)?;
        republish_refunds(tx, now, payment)?;
    }
    Ok(payments.last().map(|payment| payment.id().to_string()))
}
