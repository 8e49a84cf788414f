//! Stores the result of a call to Stripe.

use db::Tx;
use values::{PaymentId, Timestamp};

use super::{check_cards::check_cards, update_ledger::open_ledger};
use crate::{
    domain::{BasisPoints, CaptureDecision, CardLimits, PayableOrder, Payment, StripeCall, StripeResult},
    events::append_to_outbox,
    store,
};

/// Applies the result of a call that was made at `called_at`, publishes the change, and opens the ledger of a captured
/// payment with the platform's current share. Counts the cards that are declined in a browser: beyond the limits the intent is
/// cancelled. Returns the payment.
pub(crate) fn record_stripe_result(
    tx: &Tx,
    now: Timestamp,
    (fee_rate, limits): (BasisPoints, CardLimits),
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
    if !matches!(result, StripeResult::Unknown(_) | StripeResult::RateLimited(_)) {
        payment.mark_checked(called_at);
    }
    let declined_charge = match &result {
        StripeResult::Intent(intent) if payment.is_in_browser() => intent.declined_charge().map(ToOwned::to_owned),
        _ => None,
    };
    let event = payment.apply_result(call, result, decision, now);
    if let Some(charge) = declined_charge
        && store::insert_declined_charge(tx, &charge, id)?
    {
        payment.count_decline();
    }
    store::update_payment(tx, &payment)?;
    if payment.waits_for_card() && payment.declines() > 0 && check_cards(tx, now, limits, &payment)?.is_err() {
        payment.refuse_more_cards(now);
        store::update_payment(tx, &payment)?;
    }
    if let Some(event) = event {
        append_to_outbox(tx, now, event)?;
    }
    open_ledger(tx, now, fee_rate, &payment)?;
    Ok(Some(payment))
}
