//! Stores the result of a call to Stripe.

use db::Tx;
use values::{PaymentId, Timestamp};

use super::update_ledger::open_ledger;
use crate::{
    domain::{BasisPoints, CaptureDecision, PayableOrder, Payment, StripeCall, StripeResult},
    events::append_to_outbox,
    store,
};

/// Applies the result of a call that was made at `called_at`, publishes the change, and opens the ledger of a captured
/// payment with the platform's current share. Returns the payment.
pub(crate) fn record_stripe_result(
    tx: &Tx,
    now: Timestamp,
    fee_rate: BasisPoints,
    id: PaymentId,
    (call, called_at): (StripeCall, Timestamp),
    result: StripeResult,
) -> Result<Option<Payment>, db::Error> {
    let Some(mut payment) = store::payment(tx, id)? else {
        return Ok(None);
    };
    // A foreign key ensures that the order exists.
    let order = store::order(tx, payment.order_id())?;
    let decision = order.map_or(CaptureDecision::Wait, |order: PayableOrder| order.capture_decision(id));
    if !matches!(result, StripeResult::Unknown(_)) {
        payment.mark_checked(called_at);
    }
    let event = payment.apply_result(call, result, decision, now);
    store::update_payment(tx, &payment)?;
    if let Some(event) = event {
        append_to_outbox(tx, now, event)?;
    }
    open_ledger(tx, now, fee_rate, &payment)?;
    Ok(Some(payment))
}
