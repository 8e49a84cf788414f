use PaymentStatus::{
    Authorized, Captured, Capturing, Failed, RequiresAction, RequiresPaymentMethod, Started, Voided, Voiding,
};

use super::*;

const NOW: i64 = 1_800_000_000_000;

const PAYMENTS: [Option<PaymentStatus>; 10] = [
    None,
    Some(Started),
    Some(RequiresPaymentMethod),
    Some(RequiresAction),
    Some(Authorized),
    Some(Capturing),
    Some(Captured),
    Some(Voiding),
    Some(Voided),
    Some(Failed),
];

const REASONS: [CancelReason; 4] = [
    CancelReason::User,
    CancelReason::Expired,
    CancelReason::PaymentFailed,
    CancelReason::TicketWithdrawn,
];

fn facts(order: OrderStatus, payment: Option<PaymentStatus>) -> Facts {
    Facts {
        order,
        reason: None,
        is_free: false,
        expires_at: Timestamp::from_millis(NOW + 1),
        is_payment_known: true,
        payment,
        can_continue: true,
    }
}

fn at(facts: &Facts) -> Step {
    step(facts, Timestamp::from_millis(NOW))
}

#[test]
fn an_open_order_shows_what_its_payment_needs() {
    let expected = [
        Step::StartPayment,
        Step::Processing,
        Step::EnterCard,
        Step::AskBank,
        Step::Processing,
        Step::Processing,
        Step::Processing,
        Step::Processing,
        Step::StartPayment,
        Step::StartPayment,
    ];
    for (payment, expected) in PAYMENTS.into_iter().zip(expected) {
        assert_eq!(at(&facts(OrderStatus::Created, payment)), expected, "{payment:?}");
    }
}

#[test]
fn a_free_order_needs_a_button_and_no_card() {
    for (payment, expected) in [
        (None, Step::TakeFree),
        (Some(Authorized), Step::Processing),
        (Some(Captured), Step::Processing),
        (Some(Voided), Step::TakeFree),
    ] {
        let facts = Facts {
            is_free: true,
            can_continue: false,
            ..facts(OrderStatus::Created, payment)
        };
        assert_eq!(at(&facts), expected, "{payment:?}");
    }
}

#[test]
fn after_the_deadline_no_page_asks_for_a_card_and_an_authorised_payment_is_waited_for() {
    for payment in PAYMENTS {
        let overdue = Facts {
            expires_at: Timestamp::from_millis(NOW),
            ..facts(OrderStatus::Created, payment)
        };
        let before = at(&facts(OrderStatus::Created, payment));
        let expected = if before == Step::Processing {
            before
        } else {
            Step::TimeUp
        };
        assert_eq!(at(&overdue), expected, "{payment:?}");
    }
}

#[test]
fn a_browser_that_returns_waits_until_the_payment_has_changed() {
    for payment in PAYMENTS {
        let returning = Facts {
            can_continue: false,
            ..facts(OrderStatus::Created, payment)
        };
        let before = at(&facts(OrderStatus::Created, payment));
        let waits = matches!(before, Step::EnterCard | Step::AskBank);
        assert_eq!(
            at(&returning),
            if waits { Step::Processing } else { before },
            "{payment:?}"
        );
    }
}

#[test]
fn the_order_decides_once_it_is_confirmed_whatever_the_payment_and_the_time_are() {
    for (order, expected) in [
        (OrderStatus::AwaitingPayment, Step::Processing),
        (OrderStatus::Complete, Step::Complete),
        (OrderStatus::PartiallyRefunded, Step::PartlyRefunded),
        (OrderStatus::Refunded, Step::Refunded),
    ] {
        for payment in PAYMENTS {
            for (expires_at, can_continue) in [(NOW + 1, true), (NOW, true), (NOW - 1, false)] {
                let facts = Facts {
                    expires_at: Timestamp::from_millis(expires_at),
                    can_continue,
                    ..facts(order, payment)
                };
                assert_eq!(at(&facts), expected, "{order:?} {payment:?}");
            }
        }
    }
}

#[test]
fn an_order_that_ended_shows_why_and_that_nothing_was_charged() {
    let money = [
        Money::NotCharged,
        Money::Releasing,
        Money::Releasing,
        Money::Releasing,
        Money::Releasing,
        Money::Releasing,
        Money::Releasing,
        Money::Releasing,
        Money::Released,
        Money::NotCharged,
    ];
    for reason in REASONS {
        for (payment, money) in PAYMENTS.into_iter().zip(money) {
            let facts = Facts {
                reason: Some(reason),
                ..facts(OrderStatus::Cancelled, payment)
            };
            let step = at(&facts);
            assert_eq!(step, Step::Ended(reason, money), "{payment:?}");
            assert_eq!(step.is_waiting(), money == Money::Releasing);
            assert!(step.money_text().is_some());
        }
    }
}

#[test]
fn while_the_payment_is_unknown_an_open_order_waits_and_an_ended_one_was_not_charged() {
    let unknown = |order| Facts {
        is_payment_known: false,
        reason: Some(CancelReason::Expired),
        ..facts(order, None)
    };
    for (order, expected) in [
        (OrderStatus::Created, Step::PaymentUnknown),
        (OrderStatus::AwaitingPayment, Step::Processing),
        (OrderStatus::Complete, Step::Complete),
        (OrderStatus::PartiallyRefunded, Step::PartlyRefunded),
        (OrderStatus::Refunded, Step::Refunded),
        (
            OrderStatus::Cancelled,
            Step::Ended(CancelReason::Expired, Money::Released),
        ),
    ] {
        assert_eq!(at(&unknown(order)), expected, "{order:?}");
    }
    assert!(
        Step::PaymentUnknown.is_waiting(),
        "its text says that the page updates by itself"
    );
}

#[test]
fn every_step_has_texts_in_every_language() {
    let ended = REASONS.into_iter().flat_map(|reason| {
        [Money::NotCharged, Money::Releasing, Money::Released].map(|money| Step::Ended(reason, money))
    });
    let steps = [
        Step::TakeFree,
        Step::StartPayment,
        Step::EnterCard,
        Step::AskBank,
        Step::Processing,
        Step::PaymentUnknown,
        Step::TimeUp,
        Step::Complete,
        Step::PartlyRefunded,
        Step::Refunded,
    ];
    for step in steps.into_iter().chain(ended) {
        let (heading, explanation) = step.texts();
        for language in values::Language::ALL {
            for id in [Some(heading), Some(explanation), step.money_text()]
                .into_iter()
                .flatten()
            {
                let text = crate::texts::texts(*language).text(id).to_string();
                assert_ne!(text, id, "{language}");
            }
        }
    }
}
