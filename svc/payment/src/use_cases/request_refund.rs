//! Stores a refund that an order requests.

use super::audit_entries::record_refund;
use db::Tx;
use rusqlite::Connection;
use values::Timestamp;

use crate::{
    domain::{DueWork, EXCEEDS_REMAINDER, NOTHING_CAPTURED, Payment, PaymentStatus, Refund, RefundStatus},
    events::publish_refund,
    store,
};

/// Stores a requested refund, unless it is stored already. The worker calls Stripe after the commit.
pub(crate) fn request_refund(tx: &Tx, now: Timestamp, request: &events::Refund) -> Result<(), db::Error> {
    if store::refund(tx, request.id)?.is_some() {
        return Ok(());
    }
    let mut refund = Refund::request(request.id, request.payment_id, request.amount, now);
    if refund.is_free() {
        refund.succeed(now);
    } else if let Some(reason) = reason_to_refuse(tx, request)? {
        refund.fail(reason, now);
    }
    store::insert_refund(tx, &refund)?;
    record_refund(tx, now, "refund-request", &refund)?;
    if refund.status() == RefundStatus::Requested {
        tx.hand_over(DueWork::movement(request.payment_id), DueWork::BYTES);
        return Ok(());
    }
    publish_refund(tx, now, &refund)
}

/// Returns why the refund is impossible, where that is known without Stripe. For a payment that is unknown or may still be
/// captured, Stripe decides.
fn reason_to_refuse(conn: &Connection, request: &events::Refund) -> Result<Option<&'static str>, db::Error> {
    let Some(funds) = store::captured_funds(conn, request.payment_id)? else {
        let has_ended = |payment: Payment| matches!(payment.status(), PaymentStatus::Voided | PaymentStatus::Failed);
        let is_impossible = store::payment(conn, request.payment_id)?.is_some_and(has_ended);
        return Ok(is_impossible.then_some(NOTHING_CAPTURED));
    };
    let requested = store::refunds_of(conn, request.payment_id)?
        .iter()
        .filter(|other| other.status() != RefundStatus::Failed)
        .map(|other| other.amount().amount)
        .sum::<i64>();
    let remainder = funds.amount().amount - requested;
    let fits = request.amount.currency == funds.amount().currency && request.amount.amount <= remainder;
    Ok((!fits).then_some(EXCEEDS_REMAINDER))
}
