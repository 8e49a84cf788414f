use proptest::prelude::*;

use super::*;
use crate::{
    domain::{FailureKind, Learned},
    test_support::{NOW, card, intent, usd},
};

fn started_with(with: Means) -> Payment {
    Payment::start(OrderId::new(NOW), UserId::new(NOW), usd(1999), with, NOW)
}

fn started() -> Payment {
    started_with(card())
}

/// Stripe says that the intent of `payment` is so.
fn learn(payment: &mut Payment, call: Call, status: IntentStatus, ruling: Ruling) -> Option<Event> {
    let learned = Learned::from(intent(payment, status));
    payment.learn(call, learned, ruling, NOW)
}

fn authorized() -> Payment {
    let mut payment = started();
    let announced = learn(
        &mut payment,
        Call::Authorize,
        IntentStatus::RequiresCapture,
        Ruling::Wait,
    );
    assert!(matches!(announced, Some(Event::PaymentAuthorized(said)) if said.version == 2 && said.amount == usd(1999)));
    payment
}

fn capturing() -> Payment {
    let mut payment = authorized();
    assert!(payment.follow(Ruling::Capture, NOW));
    payment
}

fn voiding() -> Payment {
    let mut payment = authorized();
    assert!(payment.follow(Ruling::Void, NOW));
    payment
}

#[test]
fn money_is_set_aside_then_taken() {
    let mut payment = authorized();
    assert_eq!(
        (payment.status, payment.due(NOW)),
        (Status::Authorized, None),
        "until the order is confirmed"
    );
    assert!(payment.follow(Ruling::Capture, NOW));
    assert_eq!(payment.due(NOW), Some(Call::Capture));
    let announced = learn(&mut payment, Call::Capture, IntentStatus::Succeeded, Ruling::Capture);
    assert!(matches!(announced, Some(Event::PaymentCreated(said)) if said.version == 4));
    assert_eq!((payment.status, payment.due(NOW)), (Status::Captured, None));
    assert!(!payment.follow(Ruling::Void, NOW), "what is taken is taken");
}

#[test]
fn an_order_that_ended_meanwhile_lets_the_money_go_unannounced() {
    let mut payment = started();
    assert!(
        !payment.follow(Ruling::Void, NOW),
        "whether there is anything to let go is not known yet"
    );
    assert_eq!(payment.due(NOW), Some(Call::Authorize));
    assert_eq!(
        learn(
            &mut payment,
            Call::Authorize,
            IntentStatus::RequiresCapture,
            Ruling::Void
        ),
        None
    );
    assert_eq!(payment.due(NOW), Some(Call::Void));
    let announced = learn(&mut payment, Call::Void, IntentStatus::Canceled, Ruling::Void);
    assert!(matches!(announced, Some(Event::PaymentFailed(_))));
    assert_eq!(payment.status, Status::Voided);
}

#[test]
fn a_declined_card_ends_the_attempt() {
    let mut payment = started();
    let failure = Failure::new(
        FailureKind::Declined,
        "insufficient_funds",
        "Your card has insufficient funds.",
    );
    let announced = payment.learn(Call::Authorize, Learned::Refused(failure.clone()), Ruling::Wait, NOW);
    assert!(matches!(announced, Some(Event::PaymentFailed(_))));
    assert_eq!((payment.status, payment.failure), (Status::Failed, Some(failure)));
}

#[test]
fn an_authorisation_that_lapsed_before_its_capture_fails() {
    let mut payment = capturing();
    let announced = learn(&mut payment, Call::Capture, IntentStatus::Canceled, Ruling::Capture);
    assert!(matches!(announced, Some(Event::PaymentFailed(_))));
    assert_eq!(payment.failure.unwrap().kind, FailureKind::Lapsed);
}

#[test]
fn what_stripe_will_not_capture_is_let_go() {
    let mut payment = capturing();
    assert_eq!(
        learn(
            &mut payment,
            Call::Capture,
            IntentStatus::RequiresCapture,
            Ruling::Capture
        ),
        None
    );
    assert_eq!(payment.due(NOW), Some(Call::Void));
}

#[test]
fn a_capture_that_arrives_after_all_pays_for_the_order_that_waits_for_it() {
    let mut payment = capturing();
    // Refused, while an earlier request that nobody waits for any more is still on its way.
    learn(
        &mut payment,
        Call::Capture,
        IntentStatus::RequiresCapture,
        Ruling::Capture,
    );
    assert_eq!(payment.status, Status::Voiding);
    let announced = learn(&mut payment, Call::Void, IntentStatus::Succeeded, Ruling::Capture);
    assert_eq!((payment.status, payment.trouble.as_deref()), (Status::Captured, None));
    assert!(matches!(announced, Some(Event::PaymentCreated(_))), "{announced:?}");
}

#[test]
fn an_answer_that_comes_late_changes_nothing() {
    for mut payment in [authorized(), capturing(), voiding()] {
        let before = payment.clone();
        assert_eq!(
            learn(
                &mut payment,
                Call::Authorize,
                IntentStatus::RequiresCapture,
                Ruling::Wait
            ),
            None
        );
        let declined = Learned::Refused(Failure::unexplained());
        assert_eq!(payment.learn(Call::Authorize, declined, Ruling::Wait, NOW), None);
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
            payment.learn(Call::Authorize, Learned::from(wrong), Ruling::Capture, NOW),
            None
        );
        assert_eq!(payment.due(NOW), Some(Call::Void));
    }
}

#[test]
fn the_intent_of_another_payment_is_left_alone() {
    let mut payment = started();
    let others = intent(&started(), IntentStatus::RequiresCapture);
    assert_eq!(
        payment.learn(Call::Authorize, Learned::from(others), Ruling::Wait, NOW),
        None
    );
    assert!(payment.trouble.is_some());
    assert_eq!(payment.due(NOW), None);
}

#[test]
fn money_that_was_taken_wrongly_waits_for_a_person() {
    let mut payment = voiding();
    assert_eq!(
        learn(&mut payment, Call::Void, IntentStatus::Succeeded, Ruling::Void),
        None
    );
    assert!(
        payment.trouble.as_ref().unwrap().contains("give it back"),
        "{:?}",
        payment.trouble
    );

    let mut payment = capturing();
    let mut less = intent(&payment, IntentStatus::Succeeded);
    less.amount_received = 1;
    assert_eq!(
        payment.learn(Call::Capture, Learned::from(less), Ruling::Capture, NOW),
        None
    );
    assert_eq!((payment.status, payment.due(NOW)), (Status::Capturing, None));
}

#[test]
fn after_a_day_stripe_is_not_asked_again_but_looked_at() {
    let mut payment = started();
    assert_eq!(payment.due(NOW + Duration::from_hours(22)), Some(Call::Authorize));
    let later = NOW + KEY_LIFETIME;
    assert_eq!(payment.due(later), Some(Call::LookUp));
    let mut found = payment.clone();
    assert!(learn(&mut found, Call::LookUp, IntentStatus::RequiresCapture, Ruling::Wait).is_some());
    assert_eq!(found.status, Status::Authorized);
    assert!(matches!(
        payment.learn(Call::LookUp, Learned::Absent, Ruling::Wait, later),
        Some(Event::PaymentFailed(_))
    ));
    assert_eq!(payment.status, Status::Failed);
}

proptest! {
    #[test]
    fn without_an_answer_nothing_is_known_and_the_next_try_is_within_a_minute(tries in 1_u32..200) {
        let mut payment = capturing();
        let version = payment.version;
        for _ in 0..tries {
            prop_assert_eq!(payment.learn(Call::Capture, Learned::Unknown(String::new()), Ruling::Capture, NOW), None);
        }
        prop_assert_eq!((payment.status, payment.version, payment.tries), (Status::Capturing, version, tries));
        let pause = NOW.until(payment.next_try_at);
        prop_assert!(pause >= Duration::from_secs(1) && pause < Duration::from_mins(1));
    }
}

/// A payment that waits for its buyer.
fn waiting(with: Means, status: IntentStatus) -> Payment {
    let mut payment = started_with(with);
    let announced = learn(&mut payment, Call::Authorize, status, Ruling::Wait);
    // So that the order waits a little longer for whom the bank keeps busy.
    let busy = matches!(announced, Some(Event::PaymentPending(said)) if said.version == 2);
    assert_eq!(busy, status == IntentStatus::RequiresAction);
    assert!(payment.waits_for_buyer());
    assert!(payment.next.is_some(), "the buyer can go on");
    payment
}

const LATER: Timestamp = Timestamp::from_millis(1_800_000_060_000);

#[test]
fn a_card_whose_bank_asks_goes_on_when_the_buyer_has_answered() {
    let mut payment = waiting(card(), IntentStatus::RequiresAction);
    assert_eq!(
        (payment.status, payment.due(NOW)),
        (Status::RequiresAction, None),
        "the buyer takes time"
    );
    assert_eq!(payment.due(LATER), Some(Call::Look), "should Stripe not tell");
    let announced = learn(&mut payment, Call::Look, IntentStatus::RequiresCapture, Ruling::Wait);
    assert!(matches!(announced, Some(Event::PaymentAuthorized(_))));
    assert_eq!((payment.status, payment.next), (Status::Authorized, None));
}

#[test]
fn a_buyer_who_cannot_prove_it_fails_once_nobody_can_go_on() {
    let mut payment = waiting(card(), IntentStatus::RequiresAction);
    let mut refused = intent(&payment, IntentStatus::RequiresPaymentMethod);
    let failure = Failure::new(FailureKind::Declined, "payment_intent_authentication_failure", "No.");
    refused.failure = Some(failure.clone());
    assert_eq!(
        payment.learn(Call::Look, Learned::from(refused), Ruling::Wait, NOW),
        None
    );
    assert_eq!((payment.due(NOW), &payment.next), (Some(Call::Void), &None));
    let announced = learn(&mut payment, Call::Void, IntentStatus::Canceled, Ruling::Wait);
    assert!(matches!(announced, Some(Event::PaymentFailed(_))));
    assert_eq!((payment.status, payment.failure), (Status::Failed, Some(failure)));
}

#[test]
fn in_a_browser_another_card_is_tried_with_the_same_intent() {
    let mut payment = waiting(Means::Browser, IntentStatus::RequiresPaymentMethod);
    assert_eq!(
        (payment.status, &payment.failure),
        (Status::RequiresPaymentMethod, &None)
    );
    let mut refused = intent(&payment, IntentStatus::RequiresPaymentMethod);
    refused.failure = Some(Failure::unexplained());
    assert_eq!(
        payment.learn(Call::Look, Learned::from(refused), Ruling::Wait, NOW),
        None
    );
    assert_eq!(payment.failure, Some(Failure::unexplained()), "the buyer may know why");
    assert!(payment.next.is_some());
    let announced = learn(&mut payment, Call::Look, IntentStatus::RequiresAction, Ruling::Wait);
    assert!(matches!(announced, Some(Event::PaymentPending(_))));
    assert_eq!((payment.status, &payment.failure), (Status::RequiresAction, &None));
    assert!(learn(&mut payment, Call::Look, IntentStatus::RequiresCapture, Ruling::Capture).is_some());
    assert_eq!(payment.status, Status::Capturing);
}

#[test]
fn an_order_that_ends_while_its_buyer_is_busy_lets_go() {
    for status in [IntentStatus::RequiresPaymentMethod, IntentStatus::RequiresAction] {
        let mut payment = waiting(Means::Browser, status);
        assert!(payment.follow(Ruling::Void, NOW));
        assert_eq!((payment.due(NOW), &payment.next), (Some(Call::Void), &None));
        let announced = learn(&mut payment, Call::Void, IntentStatus::Canceled, Ruling::Void);
        assert!(matches!(announced, Some(Event::PaymentFailed(_))));
        assert_eq!(payment.status, Status::Voided);
    }
}

#[test]
fn what_stripe_tells_is_a_reason_to_look_and_only_that() {
    let mut payment = waiting(Means::Browser, IntentStatus::RequiresPaymentMethod);
    assert!(payment.told(IntentStatus::RequiresCapture, NOW));
    assert_eq!(
        (payment.status, payment.due(NOW)),
        (Status::RequiresPaymentMethod, Some(Call::Look))
    );

    let mut payment = authorized();
    assert!(!payment.told(IntentStatus::RequiresCapture, NOW), "that is known");
    assert!(payment.told(IntentStatus::Canceled, NOW));
    assert_eq!(payment.due(NOW), Some(Call::Look));
    payment.heard_out(NOW);
    assert!(
        payment.told_at.is_some(),
        "told while Stripe was being asked: it is asked again"
    );
    payment.heard_out(LATER);
    assert_eq!(payment.due(NOW), None);
    let announced = learn(&mut payment, Call::Look, IntentStatus::Canceled, Ruling::Wait);
    assert!(matches!(announced, Some(Event::PaymentFailed(_))));
}

#[test]
fn money_that_is_set_aside_for_a_payment_that_is_over_is_let_go() {
    let mut payment = voiding();
    assert!(learn(&mut payment, Call::Void, IntentStatus::Canceled, Ruling::Void).is_some());
    assert!(!payment.told(IntentStatus::Canceled, NOW));
    assert!(payment.told(IntentStatus::RequiresCapture, NOW));
    assert_eq!(payment.due(NOW), Some(Call::Look));
    assert_eq!(
        learn(&mut payment, Call::Look, IntentStatus::RequiresCapture, Ruling::Void),
        None
    );
    assert_eq!(payment.due(NOW), Some(Call::Void));
}

#[test]
fn money_found_taken_pays_for_the_order_that_was_confirmed_with_it_and_for_no_other() {
    let found = |ruling| {
        let mut payment = waiting(Means::Browser, IntentStatus::RequiresAction);
        let announced = learn(&mut payment, Call::Look, IntentStatus::Succeeded, ruling);
        (payment, announced)
    };
    let (payment, announced) = found(Ruling::Capture);
    assert_eq!(payment.status, Status::Captured);
    assert!(matches!(announced, Some(Event::PaymentCreated(_))));
    let (payment, announced) = found(Ruling::Wait);
    assert_eq!(
        (payment.status, announced, payment.due(LATER)),
        (Status::RequiresAction, None, Some(Call::Look))
    );
    let (payment, announced) = found(Ruling::Void);
    assert_eq!(announced, None);
    assert!(payment.trouble.unwrap().contains("give it back"));
}

#[test]
fn what_costs_nothing_is_paid_without_stripe() {
    let free = || Payment::start(OrderId::new(NOW), UserId::new(NOW), usd(0), Means::Browser, NOW);
    for (ruling, end) in [(Ruling::Capture, Status::Captured), (Ruling::Void, Status::Voided)] {
        let mut payment = free();
        assert!(matches!(payment.event(), Some(Event::PaymentAuthorized(_))));
        assert_eq!(payment.due(LATER), None);
        assert!(payment.follow(ruling, NOW));
        assert_eq!((payment.status, payment.due(LATER)), (end, None));
    }
}

#[test]
fn a_buyers_secret_is_never_in_a_log() {
    let payment = waiting(Means::Browser, IntentStatus::RequiresPaymentMethod);
    assert!(!format!("{payment:?}").contains("_secret_"));
}
