use std::time::Duration;

use events::OrderStatus;
use proptest::prelude::*;

use super::*;
use crate::test_support::{noon, paid_order, paid_order_with};

fn request(requested_by: AskedBy, quantity: Option<u32>) -> RefundRequest {
    RefundRequest {
        quantity,
        requested_by,
        reason: None,
    }
}

fn requested_by_buyer() -> Refund {
    Refund::request(&paid_order(), request(AskedBy::Buyer, Some(2)), None, noon()).unwrap()
}

#[test]
fn the_seller_decides_unless_the_refund_is_guaranteed() {
    let guaranteed =
        |until: Timestamp| Refund::request(&paid_order(), request(AskedBy::Buyer, None), Some(until), noon()).unwrap();
    assert_eq!(requested_by_buyer().status(), RefundStatus::Requested);
    assert_eq!(
        guaranteed(noon()).status(),
        RefundStatus::Requested,
        "the bound is exclusive"
    );
    assert_eq!(
        guaranteed(noon() + Duration::from_millis(1)).status(),
        RefundStatus::Approved
    );
    let by_seller = Refund::request(&paid_order(), request(AskedBy::Seller, None), None, noon()).unwrap();
    assert_eq!(
        (by_seller.status(), by_seller.state().quantity),
        (RefundStatus::Approved, 3)
    );
}

#[test]
fn the_amount_is_the_price_of_the_tickets() {
    assert_eq!(
        requested_by_buyer().state().amount,
        paid_order().state().price.times(2).unwrap()
    );
}

#[test]
fn no_more_tickets_are_refunded_than_are_unclaimed() {
    let order = paid_order_with(|state| state.claimed_quantity = 2);
    let try_request = |order: &Order, quantity| Refund::request(order, request(AskedBy::Buyer, quantity), None, noon());
    assert_eq!(try_request(&order, None).unwrap().state().quantity, 1);
    assert_eq!(try_request(&order, Some(2)), Err(CannotRefund::TooMany(1)));
    assert_eq!(try_request(&order, Some(0)), Err(CannotRefund::TooMany(1)));
    assert_eq!(
        try_request(&paid_order_with(|state| state.claimed_quantity = 3), None),
        Err(CannotRefund::NothingLeft)
    );
}

#[test]
fn an_unpaid_or_disputed_order_is_not_refunded() {
    let try_request = |order: &Order| {
        Refund::request(order, request(AskedBy::Seller, None), None, noon()).map(|refund| refund.status())
    };
    for status in [
        OrderStatus::Created,
        OrderStatus::AwaitingPayment,
        OrderStatus::Cancelled,
    ] {
        assert_eq!(
            try_request(&paid_order_with(|state| state.status = status)),
            Err(CannotRefund::NotPaid)
        );
    }
    let disputed = |status| {
        try_request(&paid_order_with(|state| {
            state.after_sale.dispute = Some(events::Dispute {
                status,
                amount: state.price,
            });
        }))
    };
    assert_eq!(disputed(events::DisputeStatus::Open), Err(CannotRefund::Disputed));
    assert_eq!(disputed(events::DisputeStatus::Lost), Err(CannotRefund::DisputeLost));
    assert_eq!(disputed(events::DisputeStatus::Won), Ok(RefundStatus::Approved));
}

#[test]
fn a_refund_is_decided_once() {
    let mut refund = requested_by_buyer();
    assert_eq!(refund.approve(noon()), Ok(Change::NewVersion));
    assert_eq!(refund.approve(noon()), Ok(Change::None));
    assert_eq!(refund.decline(noon()), Err(AlreadyDecided(RefundStatus::Approved)));
    let mut refund = requested_by_buyer();
    assert_eq!(refund.decline(noon()), Ok(Change::NewVersion));
    assert_eq!(
        refund.approve(noon()).unwrap_err().to_string(),
        "the refund is declined already"
    );
    assert_eq!(refund.decline(noon()), Ok(Change::None));
}

#[test]
fn a_decision_can_be_repeated_for_ever() {
    for failure in [None, Some("closed".to_owned())] {
        let mut refund = requested_by_buyer();
        refund.approve(noon()).unwrap();
        let outcome = RefundOutcome {
            id: refund.id(),
            amount: refund.state().amount,
            failure,
        };
        assert_eq!(refund.apply_outcome(&outcome, 5, 0, true, noon()), Change::NewVersion);
        let ended = refund.clone();
        assert_eq!(refund.approve(noon()), Ok(Change::None));
        assert_eq!(refund, ended, "an approval does not start it again");
        assert_eq!(refund.decline(noon()), Err(AlreadyDecided(ended.status())));
    }
}

#[test]
fn a_reason_is_a_text_of_up_to_500_characters() {
    assert_eq!(RefundReason::parse("  ill \n").unwrap().unwrap().as_str(), "ill");
    assert_eq!(RefundReason::parse(" "), Ok(None));
    assert!(RefundReason::parse(&"ö".repeat(500)).is_ok());
    assert_eq!(RefundReason::parse(&"x".repeat(501)), Err(InvalidText::TooLong(500)));
    assert_eq!(RefundReason::parse("nul\0"), Err(InvalidText::Control));
    assert_eq!(RefundReason::parse("\u{2800}"), Err(InvalidText::Invisible));
}

#[test]
fn a_late_success_is_ignored_once_the_tickets_are_claimed_again() {
    let mut refund = requested_by_buyer();
    refund.approve(noon()).unwrap();
    let mut apply = |version, unclaimed, failure: Option<&str>| {
        let outcome = RefundOutcome {
            id: refund.id(),
            amount: refund.state().amount,
            failure: failure.map(str::to_owned),
        };
        let change = refund.apply_outcome(&outcome, version, unclaimed, true, noon());
        (change, refund.status())
    };
    // The bank sent the money back; that event overtook the success.
    assert_eq!(apply(6, 0, Some("closed")), (Change::NewVersion, RefundStatus::Failed));
    assert_eq!(apply(5, 0, None), (Change::None, RefundStatus::Failed));
    assert_eq!(apply(5, 3, None), (Change::NewVersion, RefundStatus::Paid));
}

/// The outcomes that the payment service may publish of a refund, in the order of their versions.
fn outcomes() -> impl Strategy<Value = Vec<(u64, bool)>> {
    prop::sample::select(vec![
        vec![(5, true)],
        vec![(5, false)],
        // The bank sends the money back later.
        vec![(5, true), (6, false)],
        // The payment is retried.
        vec![(5, false), (6, true)],
        vec![(5, false), (6, true), (7, false)],
    ])
}

proptest! {
    #[test]
    fn the_order_of_outcomes_does_not_matter(
        (published, consumed) in outcomes().prop_flat_map(|published| {
            let again = prop::collection::vec(prop::sample::select(published.clone()), 0..4);
            again.prop_flat_map(move |again| {
                let all = published.iter().copied().chain(again).collect::<Vec<_>>();
                (Just(published.clone()), Just(all).prop_shuffle())
            })
        }),
    ) {
        let end = |outcomes: &[(u64, bool)]| {
            let mut refund = requested_by_buyer();
            refund.approve(noon()).unwrap();
            for (version, paid) in outcomes {
                let before = refund.clone();
                let outcome = RefundOutcome {
                    id: refund.id(),
                    amount: refund.state().amount,
                    failure: (!paid).then(|| format!("failure of {version}")),
                };
                let change = refund.apply_outcome(&outcome, *version, refund.state().quantity, true, noon());
                assert_eq!(refund.state().version, before.state().version + u64::from(change == Change::NewVersion));
                assert_eq!(change == Change::NewVersion, refund != before);
                if before.status() == RefundStatus::Paid {
                    assert_eq!(refund.status(), RefundStatus::Paid, "a paid refund stays paid");
                }
            }
            (refund.status(), refund.state().failure.clone(), refund.state().returned, refund.state().payment_version)
        };
        prop_assert_eq!(end(&consumed), end(&published));
    }
}
