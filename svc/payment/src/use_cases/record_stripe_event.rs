//! Stores an event that Stripe sent.

use db::Tx;
use values::Timestamp;

use crate::{
    domain::{DueWork, EventOutcome, StripeEvent},
    store,
};

/// Schedules a check of the payment that an event names, and counts a declined card. A repeated event changes nothing. The settler
/// calls Stripe after the commit.
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
    let is_check_needed = if event.is_about_funds() {
        let is_check_needed = store::request_check(tx, payment.id(), now)?;
        if is_check_needed {
            tx.hand_over(DueWork::follow_up(payment.id()), DueWork::BYTES);
        } else if payment.note_event_about_funds(now) {
            store::update_payment(tx, &payment)?;
        }
        is_check_needed
    } else {
        let declined = event.declined_charge().filter(|_| payment.is_in_browser());
        let is_decline_new = match declined {
            Some(charge) => store::insert_declined_charge(tx, charge, payment.id())?,
            None => false,
        };
        if is_decline_new {
            payment.count_decline();
        }
        let is_check_needed = payment.request_check(event.intent_id(), event.intent_status(), now);
        if is_check_needed || is_decline_new {
            store::update_payment(tx, &payment)?;
        }
        if is_check_needed {
            tx.hand_over(DueWork::of_intent(&payment), DueWork::BYTES);
        }
        is_check_needed
    };
    Ok(if is_check_needed {
        EventOutcome::CheckRequested
    } else {
        EventOutcome::Confirmed
    })
}
