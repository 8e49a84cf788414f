use std::time::Duration;

use events::OrderStatus;
use proptest::prelude::*;

use super::*;
use crate::test_support::{noon, order};

/// Three tickets, paid.
fn sold() -> Order {
    Order {
        quantity: 3,
        status: OrderStatus::Complete,
        payment_id: Some(PaymentId::new(noon())),
        ..order()
    }
}

fn wish(asked_by: AskedBy, quantity: Option<u32>) -> Wish {
    Wish {
        quantity,
        asked_by,
        reason: None,
    }
}

fn asked_by_buyer() -> Refund {
    Refund::ask(&sold(), wish(AskedBy::Buyer, Some(2)), None, noon()).unwrap()
}

#[test]
fn the_seller_decides_unless_it_was_promised() {
    let promised = |until: Timestamp| Refund::ask(&sold(), wish(AskedBy::Buyer, None), Some(until), noon()).unwrap();
    assert_eq!(asked_by_buyer().status, RefundStatus::Requested);
    assert_eq!(promised(noon()).status, RefundStatus::Requested, "until is not at");
    assert_eq!(
        promised(noon() + Duration::from_millis(1)).status,
        RefundStatus::Approved
    );
    let by_seller = Refund::ask(&sold(), wish(AskedBy::Seller, None), None, noon()).unwrap();
    assert_eq!((by_seller.status, by_seller.quantity), (RefundStatus::Approved, 3));
}

#[test]
fn a_part_costs_what_was_paid_for_it() {
    assert_eq!(asked_by_buyer().amount, sold().price.times(2).unwrap());
}

#[test]
fn no_more_is_refunded_than_is_left() {
    let order = Order { claimed: 2, ..sold() };
    let ask = |order: &Order, quantity| Refund::ask(order, wish(AskedBy::Buyer, quantity), None, noon());
    assert_eq!(ask(&order, None).unwrap().quantity, 1);
    assert_eq!(ask(&order, Some(2)), Err(CannotRefund::TooMany(1)));
    assert_eq!(ask(&order, Some(0)), Err(CannotRefund::TooMany(1)));
    assert_eq!(
        ask(&Order { claimed: 3, ..sold() }, None),
        Err(CannotRefund::NothingLeft)
    );
}

#[test]
fn what_is_not_paid_or_is_disputed_is_not_refunded() {
    let ask = |order: &Order| Refund::ask(order, wish(AskedBy::Seller, None), None, noon()).map(|refund| refund.status);
    for status in [
        OrderStatus::Created,
        OrderStatus::AwaitingPayment,
        OrderStatus::Cancelled,
    ] {
        assert_eq!(ask(&Order { status, ..sold() }), Err(CannotRefund::NotPaid));
    }
    let disputed = |status| {
        let mut order = sold();
        order.after.dispute = Some(events::Dispute {
            status,
            amount: order.total(),
        });
        ask(&order)
    };
    assert_eq!(disputed(events::DisputeStatus::Open), Err(CannotRefund::Disputed));
    assert_eq!(disputed(events::DisputeStatus::Lost), Err(CannotRefund::TakenBack));
    assert_eq!(disputed(events::DisputeStatus::Won), Ok(RefundStatus::Approved));
}

#[test]
fn a_decision_is_made_once() {
    let mut refund = asked_by_buyer();
    assert_eq!(refund.approve(noon()), Ok(Change::Made));
    assert_eq!(refund.approve(noon()), Ok(Change::None));
    assert_eq!(refund.decline(noon()), Err(Decided(RefundStatus::Approved)));
    let mut refund = asked_by_buyer();
    assert_eq!(refund.decline(noon()), Ok(Change::Made));
    assert_eq!(
        refund.approve(noon()).unwrap_err().to_string(),
        "the refund is declined already"
    );
}

#[test]
fn a_reason_is_a_text_of_up_to_500_characters() {
    assert_eq!(Reason::parse("  ill \n").unwrap().unwrap().as_str(), "ill");
    assert_eq!(Reason::parse(" "), Ok(None));
    assert!(Reason::parse(&"ö".repeat(500)).is_ok());
    assert_eq!(Reason::parse(&"x".repeat(501)), Err(BadReason::TooLong));
    assert_eq!(Reason::parse("nul\0"), Err(BadReason::Control));
}

#[test]
fn a_success_that_is_heard_after_its_failure_is_history_once_its_tickets_are_claimed_again() {
    let mut refund = asked_by_buyer();
    refund.approve(noon()).unwrap();
    let mut hear = |version, left, failure: Option<&str>| {
        let answer = RefundOutcome {
            id: refund.id,
            amount: refund.amount,
            failure: failure.map(str::to_owned),
        };
        let change = refund.answered(&answer, version, left, true, noon());
        (change, refund.status)
    };
    // The bank sent it back, and that overtook that it was paid.
    assert_eq!(hear(6, 0, Some("closed")), (Change::Made, RefundStatus::Failed));
    assert_eq!(hear(5, 0, None), (Change::None, RefundStatus::Failed));
    assert_eq!(hear(5, 3, None), (Change::Made, RefundStatus::Paid));
}

/// What the payment service may say of a refund, one version after the other.
fn answers() -> impl Strategy<Value = Vec<(u64, bool)>> {
    prop::sample::select(vec![
        vec![(5, true)],
        vec![(5, false)],
        // The bank sent it back later.
        vec![(5, true), (6, false)],
        // Tried again.
        vec![(5, false), (6, true)],
        vec![(5, false), (6, true), (7, false)],
    ])
}

proptest! {
    #[test]
    fn whatever_order_the_answers_come_in_the_refund_ends_the_same(
        (said, heard) in answers().prop_flat_map(|said| {
            let again = prop::collection::vec(prop::sample::select(said.clone()), 0..4);
            again.prop_flat_map(move |again| {
                let all = said.iter().copied().chain(again).collect::<Vec<_>>();
                (Just(said.clone()), Just(all).prop_shuffle())
            })
        }),
    ) {
        let end = |heard: &[(u64, bool)]| {
            let mut refund = asked_by_buyer();
            refund.id = RefundId::new(noon());
            refund.approve(noon()).unwrap();
            for (version, paid) in heard {
                let before = refund.clone();
                let answer = RefundOutcome {
                    id: refund.id,
                    amount: refund.amount,
                    failure: (!paid).then(|| format!("failure of {version}")),
                };
                let change = refund.answered(&answer, *version, refund.quantity, true, noon());
                assert_eq!(refund.version, before.version + u64::from(change == Change::Made));
                assert_eq!(change == Change::Made, refund != before);
                assert!(before.status != RefundStatus::Paid || refund.status == RefundStatus::Paid, "paid is paid");
            }
            (refund.status, refund.failure, refund.returned, refund.payment_version)
        };
        prop_assert_eq!(end(&heard), end(&said));
    }
}
