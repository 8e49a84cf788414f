use proptest::prelude::*;

use super::*;
use crate::{
    domain::{ChargedFunds, FailureKind, StripeResult},
    test_support::{NOW, card, intent, usd},
};

fn started_with(method: PaymentMethod) -> Payment {
    Payment::start(OrderId::new(NOW), UserId::new(NOW), usd(1999), method, NOW)
}

fn started() -> Payment {
    started_with(card())
}

/// Applies a result in which the intent of `payment` has this status.
fn apply(payment: &mut Payment, call: StripeCall, status: IntentStatus, decision: CaptureDecision) -> Option<Event> {
    let result = StripeResult::from(intent(payment, status));
    payment.apply_result(call, result, decision, NOW)
}

fn authorized() -> Payment {
    let mut payment = started();
    let event = apply(
        &mut payment,
        StripeCall::Authorize,
        IntentStatus::RequiresCapture,
        CaptureDecision::Wait,
    );
    assert!(matches!(event, Some(Event::PaymentAuthorized(state)) if state.version == 2 && state.amount == usd(1999)));
    payment
}

fn capturing() -> Payment {
    let mut payment = authorized();
    assert!(payment.apply_decision(CaptureDecision::Capture, NOW));
    payment
}

fn voiding() -> Payment {
    let mut payment = authorized();
    assert!(payment.apply_decision(CaptureDecision::Void, NOW));
    payment
}

#[test]
fn money_is_authorised_then_captured() {
    let mut payment = authorized();
    assert_eq!(
        (payment.state.status, payment.next_call(NOW)),
        (PaymentStatus::Authorized, None),
        "until the order is confirmed"
    );
    assert!(payment.apply_decision(CaptureDecision::Capture, NOW));
    assert_eq!(payment.next_call(NOW), Some(StripeCall::Capture));
    let event = apply(
        &mut payment,
        StripeCall::Capture,
        IntentStatus::Succeeded,
        CaptureDecision::Capture,
    );
    assert!(matches!(event, Some(Event::PaymentCreated(state)) if state.version == 4));
    assert_eq!(
        (payment.state.status, payment.next_call(NOW)),
        (PaymentStatus::Captured, None)
    );
    assert!(
        !payment.apply_decision(CaptureDecision::Void, NOW),
        "a captured payment is final"
    );
}

#[test]
fn an_order_that_ended_meanwhile_voids_the_payment_without_an_authorized_event() {
    let mut payment = started();
    assert!(
        !payment.apply_decision(CaptureDecision::Void, NOW),
        "the authorisation is not confirmed yet"
    );
    assert_eq!(payment.next_call(NOW), Some(StripeCall::Authorize));
    assert_eq!(
        apply(
            &mut payment,
            StripeCall::Authorize,
            IntentStatus::RequiresCapture,
            CaptureDecision::Void
        ),
        None
    );
    assert_eq!(payment.next_call(NOW), Some(StripeCall::Void));
    let event = apply(
        &mut payment,
        StripeCall::Void,
        IntentStatus::Canceled,
        CaptureDecision::Void,
    );
    assert!(matches!(event, Some(Event::PaymentFailed(_))));
    assert_eq!(payment.state.status, PaymentStatus::Voided);
}

#[test]
fn a_declined_card_ends_the_attempt() {
    let mut payment = started();
    let failure = Failure::new(
        FailureKind::Declined,
        "insufficient_funds",
        "Your card has insufficient funds.",
    );
    let event = payment.apply_result(
        StripeCall::Authorize,
        StripeResult::Refused(failure.clone()),
        CaptureDecision::Wait,
        NOW,
    );
    assert!(matches!(event, Some(Event::PaymentFailed(_))));
    assert_eq!(
        (payment.state.status, payment.state.failure),
        (PaymentStatus::Failed, Some(failure))
    );
}

#[test]
fn an_authorisation_that_lapsed_before_its_capture_fails() {
    let mut payment = capturing();
    let event = apply(
        &mut payment,
        StripeCall::Capture,
        IntentStatus::Canceled,
        CaptureDecision::Capture,
    );
    assert!(matches!(event, Some(Event::PaymentFailed(_))));
    assert_eq!(payment.state.failure.unwrap().kind, FailureKind::Lapsed);
}

#[test]
fn a_payment_that_stripe_refuses_to_capture_is_voided() {
    let mut payment = capturing();
    assert_eq!(
        apply(
            &mut payment,
            StripeCall::Capture,
            IntentStatus::RequiresCapture,
            CaptureDecision::Capture
        ),
        None
    );
    assert_eq!(payment.next_call(NOW), Some(StripeCall::Void));
}

#[test]
fn a_late_capture_pays_for_the_order_that_waits_for_it() {
    let mut payment = capturing();
    // Stripe refuses while an earlier request is still in flight.
    apply(
        &mut payment,
        StripeCall::Capture,
        IntentStatus::RequiresCapture,
        CaptureDecision::Capture,
    );
    assert_eq!(payment.state.status, PaymentStatus::Voiding);
    let event = apply(
        &mut payment,
        StripeCall::Void,
        IntentStatus::Succeeded,
        CaptureDecision::Capture,
    );
    assert_eq!(
        (payment.state.status, payment.state.trouble.as_deref()),
        (PaymentStatus::Captured, None)
    );
    assert!(matches!(event, Some(Event::PaymentCreated(_))), "{event:?}");
}

#[test]
fn a_late_result_changes_nothing() {
    for mut payment in [authorized(), capturing(), voiding()] {
        let before = payment.clone();
        assert_eq!(
            apply(
                &mut payment,
                StripeCall::Authorize,
                IntentStatus::RequiresCapture,
                CaptureDecision::Wait
            ),
            None
        );
        let declined = StripeResult::Refused(Failure::generic_decline());
        assert_eq!(
            payment.apply_result(StripeCall::Authorize, declined, CaptureDecision::Wait, NOW),
            None
        );
        assert_eq!(payment, before);
    }
}

#[test]
fn another_amount_or_currency_is_never_captured() {
    for (amount, currency) in [(1998, "usd"), (199_900, "usd"), (1999, "eur")] {
        let mut payment = started();
        let mut wrong = intent(&payment, IntentStatus::RequiresCapture);
        wrong.amount = amount;
        wrong.currency = currency.to_owned();
        assert_eq!(
            payment.apply_result(
                StripeCall::Authorize,
                StripeResult::from(wrong),
                CaptureDecision::Capture,
                NOW
            ),
            None
        );
        assert_eq!(payment.next_call(NOW), Some(StripeCall::Void));
    }
}

#[test]
fn the_intent_of_another_payment_is_not_touched() {
    let mut payment = started();
    let other = intent(&started(), IntentStatus::RequiresCapture);
    assert_eq!(
        payment.apply_result(
            StripeCall::Authorize,
            StripeResult::from(other),
            CaptureDecision::Wait,
            NOW
        ),
        None
    );
    assert!(payment.state.trouble.is_some());
    assert_eq!(payment.next_call(NOW), None);
}

#[test]
fn an_unwanted_capture_needs_an_operator() {
    let mut payment = voiding();
    assert_eq!(
        apply(
            &mut payment,
            StripeCall::Void,
            IntentStatus::Succeeded,
            CaptureDecision::Void
        ),
        None
    );
    assert!(
        payment.state.trouble.as_ref().unwrap().contains("refund it"),
        "{:?}",
        payment.state.trouble
    );

    let mut payment = capturing();
    let mut less = intent(&payment, IntentStatus::Succeeded);
    less.amount_received = 1;
    assert_eq!(
        payment.apply_result(
            StripeCall::Capture,
            StripeResult::from(less),
            CaptureDecision::Capture,
            NOW
        ),
        None
    );
    assert_eq!(
        (payment.state.status, payment.next_call(NOW)),
        (PaymentStatus::Capturing, None)
    );
}

#[test]
fn a_capture_that_was_refunded_in_full_counts_as_released() {
    let refunded = |payment: &Payment, amount_received| {
        let funds = ChargedFunds {
            fee: None,
            refunded: amount_received,
            is_refunded: true,
            is_disputed: false,
        };
        StripeResult::from(Intent {
            amount_received,
            funds: Some(funds),
            ..intent(payment, IntentStatus::Succeeded)
        })
    };
    let mut unwanted = voiding();
    apply(
        &mut unwanted,
        StripeCall::Void,
        IntentStatus::Succeeded,
        CaptureDecision::Void,
    );
    assert!(unwanted.state.trouble.is_some());
    // An operator has refunded it, and clears the entry.
    unwanted.state.trouble = None;
    let declined = || {
        let mut payment = voiding();
        payment.state.failure = Some(Failure::generic_decline());
        payment
    };
    let waiting = || waiting_for_buyer(PaymentMethod::Browser, IntentStatus::RequiresAction);
    for (mut payment, call, decision, received, end) in [
        (
            unwanted,
            StripeCall::Void,
            CaptureDecision::Void,
            1999,
            PaymentStatus::Voided,
        ),
        (
            declined(),
            StripeCall::Void,
            CaptureDecision::Wait,
            1999,
            PaymentStatus::Failed,
        ),
        (
            waiting(),
            StripeCall::RetrieveIntent,
            CaptureDecision::Void,
            1999,
            PaymentStatus::Voided,
        ),
        // Another amount was captured.
        (
            capturing(),
            StripeCall::Capture,
            CaptureDecision::Capture,
            1,
            PaymentStatus::Failed,
        ),
        // Its refund is found by a check of the captured funds.
        (
            capturing(),
            StripeCall::Capture,
            CaptureDecision::Capture,
            1999,
            PaymentStatus::Captured,
        ),
    ] {
        let result = refunded(&payment, received);
        assert!(payment.apply_result(call, result, decision, NOW).is_some(), "{end:?}");
        assert_eq!((payment.state.status, payment.trouble()), (end, None));
        if end.has_ended() {
            assert!(payment.request_check("pi_1", IntentStatus::Succeeded, NOW));
            let result = refunded(&payment, received);
            payment.apply_result(StripeCall::RetrieveIntent, result, decision, NOW);
            assert_eq!((payment.state.status, payment.trouble()), (end, None));
        }
    }
}

#[test]
fn after_a_day_the_intent_is_searched_instead_of_created() {
    let mut payment = started();
    assert_eq!(
        payment.next_call(NOW + Duration::from_hours(22)),
        Some(StripeCall::Authorize)
    );
    let later = NOW + STRIPE_KEY_USE;
    assert_eq!(payment.next_call(later), Some(StripeCall::FindIntent));
    let mut found = payment.clone();
    assert!(
        apply(
            &mut found,
            StripeCall::FindIntent,
            IntentStatus::RequiresCapture,
            CaptureDecision::Wait
        )
        .is_some()
    );
    assert_eq!(found.state.status, PaymentStatus::Authorized);
    let not_found = |payment: &mut Payment, result, now| {
        payment.apply_result(StripeCall::FindIntent, result, CaptureDecision::Wait, now)
    };
    let (first, second) = (NOW + Duration::from_hours(24), NOW + Duration::from_hours(48));
    for (result, end) in [(StripeResult::NotFound, first), (StripeResult::NotShown, second)] {
        let mut absent = payment.clone();
        not_found(&mut absent, result.clone(), end - Duration::from_millis(1));
        assert_eq!(absent.state.status, PaymentStatus::Started, "Stripe may show it later");
        assert!(matches!(
            not_found(&mut absent, result, end),
            Some(Event::PaymentFailed(_))
        ));
    }
    not_found(&mut payment, StripeResult::NotFound, first);
    assert_eq!(payment.state.status, PaymentStatus::Failed);

    // The intent holds money after all.
    assert!(!payment.request_check("pi_late", IntentStatus::Canceled, later));
    assert!(payment.request_check("pi_late", IntentStatus::RequiresCapture, later));
    assert_eq!(
        (payment.intent_id(), payment.next_call(later)),
        (Some("pi_late"), Some(StripeCall::RetrieveIntent))
    );
}

#[test]
fn an_event_names_the_intent_of_a_response_that_was_lost() {
    let mut payment = started();
    let held = intent(&payment, IntentStatus::RequiresCapture);
    assert!(payment.request_check(&held.id, held.status, NOW));
    assert_eq!(payment.next_call(NOW), Some(StripeCall::FindIntent));
    let mut found = payment.clone();
    found.apply_result(StripeCall::FindIntent, held.into(), CaptureDecision::Wait, NOW);
    assert_eq!(found.state.status, PaymentStatus::Authorized);
    // The account lacks it: the payment's own is created, or looked for however long that is possible.
    for (hours, next) in [
        (1, StripeCall::Authorize),
        (25, StripeCall::FindIntent),
        (49, StripeCall::FindIntent),
    ] {
        let (mut payment, now) = (payment.clone(), NOW + Duration::from_hours(hours));
        payment.apply_result(
            StripeCall::FindIntent,
            StripeResult::NotFound,
            CaptureDecision::Wait,
            now,
        );
        assert_eq!(
            (payment.status(), payment.intent_id(), payment.next_call(now)),
            (PaymentStatus::Started, None, Some(next))
        );
        assert!(!payment.state.retry.is_due(now));
    }
}

proptest! {
    #[test]
    fn without_an_answer_the_status_stays_and_the_next_call_is_within_a_minute(tries in 1_u32..200) {
        let mut payment = capturing();
        let version = payment.state.version;
        for _ in 0..tries {
            prop_assert_eq!(payment.apply_result(StripeCall::Capture, StripeResult::Unknown(String::new()), CaptureDecision::Capture, NOW), None);
        }
        prop_assert_eq!((payment.state.status, payment.state.version, payment.state.retry.failed_attempts()), (PaymentStatus::Capturing, version, tries));
        let pause = NOW.until(payment.state.retry.next_at());
        prop_assert!(pause >= Duration::from_secs(1) && pause < Duration::from_mins(1));
    }
}

/// A payment that waits for its buyer.
fn waiting_for_buyer(method: PaymentMethod, status: IntentStatus) -> Payment {
    let mut payment = started_with(method);
    let event = apply(&mut payment, StripeCall::Authorize, status, CaptureDecision::Wait);
    // The order extends its deadline once while the bank authenticates the buyer.
    let busy = matches!(event, Some(Event::PaymentPending(state)) if state.version == 2);
    assert_eq!(busy, status == IntentStatus::RequiresAction);
    assert!(payment.waits_for_buyer());
    assert!(payment.state.buyer_action.is_some(), "the buyer can continue");
    payment
}

const LATER: Timestamp = Timestamp::from_millis(1_800_000_060_000);

#[test]
fn a_card_with_authentication_is_authorised_once_the_buyer_has_authenticated() {
    let mut payment = waiting_for_buyer(card(), IntentStatus::RequiresAction);
    assert_eq!(
        (payment.state.status, payment.next_call(NOW)),
        (PaymentStatus::RequiresAction, None),
        "the buyer needs time"
    );
    assert_eq!(
        payment.next_call(LATER),
        Some(StripeCall::RetrieveIntent),
        "in case the event is lost"
    );
    let event = apply(
        &mut payment,
        StripeCall::RetrieveIntent,
        IntentStatus::RequiresCapture,
        CaptureDecision::Wait,
    );
    assert!(matches!(event, Some(Event::PaymentAuthorized(_))));
    assert_eq!(
        (payment.state.status, payment.state.buyer_action),
        (PaymentStatus::Authorized, None)
    );
}

#[test]
fn a_failed_authentication_fails_the_payment_once_its_intent_is_cancelled() {
    let mut payment = waiting_for_buyer(card(), IntentStatus::RequiresAction);
    let mut refused = intent(&payment, IntentStatus::RequiresPaymentMethod);
    let failure = Failure::new(FailureKind::Declined, "payment_intent_authentication_failure", "No.");
    refused.failure = Some(failure.clone());
    assert_eq!(
        payment.apply_result(
            StripeCall::RetrieveIntent,
            StripeResult::from(refused),
            CaptureDecision::Wait,
            NOW
        ),
        None
    );
    assert_eq!(
        (payment.next_call(NOW), &payment.state.buyer_action),
        (Some(StripeCall::Void), &None)
    );
    let event = apply(
        &mut payment,
        StripeCall::Void,
        IntentStatus::Canceled,
        CaptureDecision::Wait,
    );
    assert!(matches!(event, Some(Event::PaymentFailed(_))));
    assert_eq!(
        (payment.state.status, payment.state.failure),
        (PaymentStatus::Failed, Some(failure))
    );
}

#[test]
fn in_a_browser_another_card_uses_the_same_intent() {
    let mut payment = waiting_for_buyer(PaymentMethod::Browser, IntentStatus::RequiresPaymentMethod);
    assert_eq!(
        (payment.state.status, &payment.state.failure),
        (PaymentStatus::RequiresPaymentMethod, &None)
    );
    let mut refused = intent(&payment, IntentStatus::RequiresPaymentMethod);
    refused.failure = Some(Failure::generic_decline());
    assert_eq!(
        payment.apply_result(
            StripeCall::RetrieveIntent,
            StripeResult::from(refused),
            CaptureDecision::Wait,
            NOW
        ),
        None
    );
    assert_eq!(
        payment.state.failure,
        Some(Failure::generic_decline()),
        "the buyer may read the reason"
    );
    assert!(payment.state.buyer_action.is_some());
    let event = apply(
        &mut payment,
        StripeCall::RetrieveIntent,
        IntentStatus::RequiresAction,
        CaptureDecision::Wait,
    );
    assert!(matches!(event, Some(Event::PaymentPending(_))));
    assert_eq!(
        (payment.state.status, &payment.state.failure),
        (PaymentStatus::RequiresAction, &None)
    );
    assert!(
        apply(
            &mut payment,
            StripeCall::RetrieveIntent,
            IntentStatus::RequiresCapture,
            CaptureDecision::Capture
        )
        .is_some()
    );
    assert_eq!(payment.state.status, PaymentStatus::Capturing);
}

#[test]
fn an_order_that_ends_while_its_buyer_is_busy_voids_the_payment() {
    for status in [IntentStatus::RequiresPaymentMethod, IntentStatus::RequiresAction] {
        let mut payment = waiting_for_buyer(PaymentMethod::Browser, status);
        assert!(payment.apply_decision(CaptureDecision::Void, NOW));
        assert_eq!(
            (payment.next_call(NOW), &payment.state.buyer_action),
            (Some(StripeCall::Void), &None)
        );
        let event = apply(
            &mut payment,
            StripeCall::Void,
            IntentStatus::Canceled,
            CaptureDecision::Void,
        );
        assert!(matches!(event, Some(Event::PaymentFailed(_))));
        assert_eq!(payment.state.status, PaymentStatus::Voided);
    }
}

#[test]
fn a_stripe_event_causes_a_check_and_nothing_else() {
    let mut payment = waiting_for_buyer(PaymentMethod::Browser, IntentStatus::RequiresPaymentMethod);
    assert!(payment.request_check("pi_1", IntentStatus::RequiresCapture, NOW));
    assert_eq!(
        (payment.state.status, payment.next_call(NOW)),
        (PaymentStatus::RequiresPaymentMethod, Some(StripeCall::RetrieveIntent))
    );

    let mut payment = authorized();
    assert!(
        !payment.request_check("pi_1", IntentStatus::RequiresCapture, NOW),
        "the event confirms the state"
    );
    assert!(payment.request_check("pi_1", IntentStatus::Canceled, NOW));
    assert_eq!(payment.next_call(NOW), Some(StripeCall::RetrieveIntent));
    payment.mark_checked(NOW);
    assert!(
        payment.state.notified_at.is_some(),
        "an event during the call causes another check"
    );
    payment.mark_checked(LATER);
    assert_eq!(payment.next_call(NOW), None);
    let event = apply(
        &mut payment,
        StripeCall::RetrieveIntent,
        IntentStatus::Canceled,
        CaptureDecision::Wait,
    );
    assert!(matches!(event, Some(Event::PaymentFailed(_))));
}

#[test]
fn an_authorisation_of_a_payment_that_ended_is_voided() {
    let mut payment = voiding();
    assert!(
        apply(
            &mut payment,
            StripeCall::Void,
            IntentStatus::Canceled,
            CaptureDecision::Void
        )
        .is_some()
    );
    assert!(!payment.request_check("pi_1", IntentStatus::Canceled, NOW));
    assert!(payment.request_check("pi_1", IntentStatus::RequiresCapture, NOW));
    assert_eq!(payment.next_call(NOW), Some(StripeCall::RetrieveIntent));
    assert_eq!(
        apply(
            &mut payment,
            StripeCall::RetrieveIntent,
            IntentStatus::RequiresCapture,
            CaptureDecision::Void
        ),
        None
    );
    assert_eq!(payment.next_call(NOW), Some(StripeCall::Void));
}

#[test]
fn a_capture_found_at_stripe_pays_for_the_order_confirmed_with_it_and_for_no_other() {
    let found = |decision| {
        let mut payment = waiting_for_buyer(PaymentMethod::Browser, IntentStatus::RequiresAction);
        let event = apply(
            &mut payment,
            StripeCall::RetrieveIntent,
            IntentStatus::Succeeded,
            decision,
        );
        (payment, event)
    };
    let (payment, event) = found(CaptureDecision::Capture);
    assert_eq!(payment.state.status, PaymentStatus::Captured);
    assert!(matches!(event, Some(Event::PaymentCreated(_))));
    let (payment, event) = found(CaptureDecision::Wait);
    assert_eq!(
        (payment.state.status, event, payment.next_call(LATER)),
        (PaymentStatus::RequiresAction, None, Some(StripeCall::RetrieveIntent))
    );
    let (payment, event) = found(CaptureDecision::Void);
    assert_eq!(event, None);
    assert!(payment.state.trouble.unwrap().contains("refund it"));
}

#[test]
fn a_free_order_is_paid_without_stripe() {
    let free = || Payment::start(OrderId::new(NOW), UserId::new(NOW), usd(0), PaymentMethod::Browser, NOW);
    for (decision, end) in [
        (CaptureDecision::Capture, PaymentStatus::Captured),
        (CaptureDecision::Void, PaymentStatus::Voided),
    ] {
        let mut payment = free();
        assert!(matches!(payment.event(), Some(Event::PaymentAuthorized(_))));
        assert_eq!(payment.next_call(LATER), None);
        assert!(payment.apply_decision(decision, NOW));
        assert_eq!((payment.state.status, payment.next_call(LATER)), (end, None));
    }
}

#[test]
fn the_client_secret_is_not_in_debug_output() {
    let payment = waiting_for_buyer(PaymentMethod::Browser, IntentStatus::RequiresPaymentMethod);
    assert!(!format!("{payment:?}").contains("_secret_"));
}

#[test]
fn an_attempt_with_a_card_that_stripe_does_not_answer_is_pending_once() {
    for unanswered in [StripeResult::Unknown, StripeResult::RateLimited] {
        let mut payment = started();
        let mut fail = || {
            let result = unanswered("no answer".to_owned());
            payment.apply_result(StripeCall::Authorize, result, CaptureDecision::Wait, NOW)
        };
        assert!(matches!(fail(), Some(Event::PaymentPending(state)) if state.version == 1));
        assert_eq!(fail(), None);
    }
    let mut in_browser = started_with(PaymentMethod::Browser);
    let result = StripeResult::Unknown(String::new());
    assert_eq!(
        in_browser.apply_result(StripeCall::Authorize, result, CaptureDecision::Wait, NOW),
        None
    );
}
