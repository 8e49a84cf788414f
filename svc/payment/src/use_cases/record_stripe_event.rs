//! Stores an event that Stripe sent.

use db::Tx;
use values::Timestamp;

use crate::{
    domain::{DueWork, EventOutcome, StripeEvent},
    store,
};

/// Schedules a check of the payment that an event names: of its captured funds, or of its intent. Counts a declined card. A repeated
/// event changes nothing. The settler calls Stripe after the commit.
pub(crate) fn record_stripe_event(tx: &Tx, now: Timestamp, event: &StripeEvent) -> Result<EventOutcome, db::Error> {
    if !event.is_handled() {
        return Ok(EventOutcome::Ignored);
    }
    if !store::insert_stripe_event(tx, event.id(), now)? {
        return Ok(EventOutcome::Duplicate);
    }
    let Some(mut payment) = store::payment_of_intent(tx, event.intent_id(), event.payment_id())? else {
        return Ok(EventOutcome::Unrelated);
    };
    if event.is_about_funds() && store::request_check(tx, payment.id(), now)? {
        tx.hand_over(DueWork::follow_up(payment.id()), DueWork::BYTES);
        return Ok(EventOutcome::CheckRequested);
    }
    let mut is_changed = event.is_about_funds() && payment.note_event_about_funds(now);
    if let Some(charge) = event.declined_charge().filter(|_| payment.is_in_browser())
        && store::insert_declined_charge(tx, charge, payment.id())?
    {
        payment.count_decline();
        is_changed = true;
    }
    // A refund of an unwanted capture can fail days after the payment has ended.
    let is_about_intent = !event.is_about_funds() || (payment.status().has_ended() && event.may_return_money());
    let is_check_needed = is_about_intent && payment.request_check(event.intent_id(), event.intent_status(), now);
    if is_check_needed || is_changed {
        store::update_payment(tx, &payment)?;
    }
    if is_check_needed {
        tx.hand_over(DueWork::of_intent(&payment), DueWork::BYTES);
    }
    Ok(if is_check_needed {
        EventOutcome::CheckRequested
    } else {
        EventOutcome::Confirmed
    })
}
