//! Stores the result of a call to Stripe.

use db::Tx;
use values::Timestamp;

use super::{check_cards::check_cards, record_follow_up, update_ledger::open_ledger};
use crate::{
    domain::{
        BasisPoints, CaptureDecision, CardLimits, ChargedFunds, FollowUpReport, PayableOrder, Payment, StripeCall,
        StripeResult,
    },
    events::append_to_outbox,
    store,
};

/// Applies the result of a call that was made at `called_at` about the payment as it was then, publishes the change, and opens
/// the ledger of a captured payment with the platform's current share. Counts the cards that are declined in a browser: beyond
/// the limits the intent is cancelled. Returns the payment.
pub(crate) fn record_stripe_result(
    tx: &Tx,
    now: Timestamp,
    (fee_rate, limits): (BasisPoints, CardLimits),
    called: &Payment,
    (call, called_at): (StripeCall, Timestamp),
    result: StripeResult,
) -> Result<Option<Payment>, db::Error> {
    let id = called.id();
    let Some(mut payment) = store::payment(tx, id)? else {
        return Ok(None);
    };
    // An event has named the intent since: the next call retrieves it.
    if matches!(result, StripeResult::NotFound | StripeResult::NotShown) && payment.intent_id() != called.intent_id() {
        return Ok(Some(payment));
    }
    // A foreign key ensures that the order exists.
    let order = store::order(tx, payment.order_id())?;
    let decision = order.map_or(CaptureDecision::Wait, |order: PayableOrder| order.capture_decision(id));
    let funds = match &result {
        // An event that arrived during the capture may be newer than the response.
        StripeResult::Intent(intent) if payment.state().notified_at.is_none() => intent.funds.clone(),
        _ => None,
    };
    let is_read = matches!(result, StripeResult::Intent(_));
    let declined_charge = match &result {
        StripeResult::Intent(intent) if payment.is_in_browser() => intent.declined_charge().map(ToOwned::to_owned),
        _ => None,
    };
    let event = payment.apply_result(call, result, decision, now);
    // A missing intent leaves open what the event was about, and so does one that needs an operator: it is read again afterwards.
    if is_read && payment.trouble().is_none() {
        payment.mark_checked(called_at);
    }
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
    if open_ledger(tx, now, fee_rate, &payment)?
        && let Some(fee) = funds.as_ref().and_then(ChargedFunds::fee_of_untouched)
    {
        // Else the captured funds are checked by a call of their own.
        let report = FollowUpReport {
            refunds: Vec::new(),
            disputes: Vec::new(),
            stripe_fee: Some(fee.clone()),
        };
        record_follow_up(tx, now, id, called_at, &report)?;
    }
    Ok(Some(payment))
}
