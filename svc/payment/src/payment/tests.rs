use proptest::prelude::*;

use super::*;

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub(crate) fn usd(amount: i64) -> Money {
    Money {
        amount,
        currency: "usd".parse().unwrap(),
    }
}

pub(crate) fn intent(payment: &Payment, status: IntentStatus) -> Intent {
    Intent {
        id: format!("pi_{}", payment.id),
        status,
        amount: payment.amount.amount,
        amount_received: if status == IntentStatus::Succeeded {
            payment.amount.amount
        } else {
            0
        },
        currency: "usd".to_owned(),
        payment_id: Some(payment.id.to_string()),
        order_id: Some(payment.order_id.to_string()),
        failure: None,
    }
}

fn started() -> Payment {
    Payment::start(
        OrderId::new(NOW),
        UserId::new(NOW),
        usd(1999),
        "tok_visa".parse().unwrap(),
        NOW,
    )
}

/// Stripe says that the intent of `payment` is so.
fn learn(payment: &mut Payment, call: Call, status: IntentStatus, ruling: Ruling) -> Option<Event> {
    let learned = Learned::Intent(intent(payment, status));
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
            payment.learn(Call::Authorize, Learned::Intent(wrong), Ruling::Capture, NOW),
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
        payment.learn(Call::Authorize, Learned::Intent(others), Ruling::Wait, NOW),
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
        payment.learn(Call::Capture, Learned::Intent(less), Ruling::Capture, NOW),
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
