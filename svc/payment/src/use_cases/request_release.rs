//! Requests the release of money that the intent of an ended payment holds.

use audit::Author;
use db::Tx;
use values::{PaymentId, Timestamp};

use crate::{domain::IntentStatus, store};

/// Schedules a check of a payment's intent, whose id and status are given, and records its author. The settler then voids an
/// authorisation, and reports a capture to an operator. While a check is due, a repetition changes nothing.
pub(crate) fn request_release(
    tx: &Tx,
    now: Timestamp,
    id: PaymentId,
    (intent, status): (&str, IntentStatus),
    author: &Author,
) -> Result<(), db::Error> {
    let Some(mut payment) = store::payment(tx, id)? else {
        return Ok(());
    };
    let is_check_due = payment.state().notified_at.is_some();
    if payment.status().has_ended() && !is_check_due && payment.request_check(intent, status, now) {
        store::update_payment(tx, &payment)?;
        audit::append(tx, now, &author.did("payment-check", &id))?;
    }
    Ok(())
}
