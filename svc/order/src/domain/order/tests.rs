use events::{Dispute, examples::usd};
use proptest::prelude::*;

use super::*;
use crate::test_support::{EXTENSION, WINDOW, listing, new_order, noon};

#[test]
fn an_order_keeps_the_window_of_its_listing() {
    assert_eq!(new_order().state().expires_at, noon() + WINDOW);
    let short = Listing {
        order_window: Some(Duration::from_secs(10)),
        ..listing()
    };
    let order = Order::place(&short, UserId::new(noon()), 1, WINDOW, noon()).unwrap();
    assert_eq!(order.state().expires_at, noon() + Duration::from_secs(10));
}

#[test]
fn a_seller_cannot_order_their_own_tickets() {
    let listing = listing();
    assert_eq!(
        Order::place(&listing, listing.seller_id, 1, WINDOW, noon()),
        Err(CannotPlace::OwnListing)
    );
}

#[test]
fn the_total_of_an_order_is_never_more_than_one_payment_can_be() {
    let expensive = Listing {
        price: Money {
            amount: values::MAX_AMOUNT,
            ..listing().price
        },
        ..listing()
    };
    assert!(Order::place(&expensive, UserId::new(noon()), 1, WINDOW, noon()).is_ok());
    assert_eq!(
        Order::place(&expensive, UserId::new(noon()), 2, WINDOW, noon()),
        Err(CannotPlace::TotalTooHigh(TotalTooHigh(2)))
    );
}

#[test]
fn a_confirmed_order_neither_expires_nor_is_cancelled() {
    let (mut order, payment) = (new_order(), PaymentId::new(noon()));
    assert_eq!(order.confirm(payment, order.total(), noon()), Ok(Change::NewVersion));
    assert_eq!(
        order.expire_or_extend(order.state().expires_at, EXTENSION, None, noon()),
        Change::None
    );
    assert_eq!(order.cancel_withdrawn(noon()), Change::None);
    assert_eq!(order.cancel(noon()), Err(CannotCancel::BeingPaid));
    assert_eq!(order.complete(payment, order.total(), noon()), Ok(Change::NewVersion));
    assert_eq!(order.cancel(noon()), Err(CannotCancel::Complete));
}

#[test]
fn an_earlier_deadline_does_not_expire_an_order() {
    let mut order = new_order();
    let earlier = order.state().expires_at - Duration::from_millis(1);
    assert_eq!(order.expire_or_extend(earlier, EXTENSION, None, noon()), Change::None);
    assert_eq!(
        order.expire_or_extend(order.state().expires_at, EXTENSION, None, noon()),
        Change::NewVersion
    );
    assert_eq!(
        order.expire_or_extend(order.state().expires_at, EXTENSION, None, noon()),
        Change::None
    );
}

#[test]
fn an_order_is_paid_before_the_event_begins() {
    for (start, window) in [(20, 15), (15, 15), (10, 10), (1, 1)] {
        let starting = Listing {
            starts_at: Some(noon() + Duration::from_mins(start)),
            ..listing()
        };
        let order = Order::place(&starting, UserId::new(noon()), 1, WINDOW, noon()).unwrap();
        assert_eq!(
            order.state().expires_at,
            noon() + Duration::from_mins(window),
            "{start}"
        );
    }
}

#[test]
fn the_deadline_is_not_moved_past_the_start_of_the_event() {
    let deadline = new_order().state().expires_at;
    for (start, moved) in [(0, None), (1, Some(1)), (5, Some(5)), (6, Some(5))] {
        let mut order = new_order();
        order.record_pending_payment(PaymentId::new(noon()));
        let starts_at = Some(deadline + Duration::from_mins(start));
        assert_eq!(
            order.expire_or_extend(deadline, EXTENSION, starts_at, deadline),
            Change::NewVersion
        );
        let status = moved.map_or(OrderStatus::Cancelled, |_| OrderStatus::Created);
        let expected = deadline + Duration::from_mins(moved.unwrap_or(0));
        assert_eq!(
            (order.status(), order.state().expires_at),
            (status, expected),
            "{start}"
        );
    }
}

#[test]
fn a_pending_payment_moves_the_deadline_once() {
    let (mut order, payment) = (new_order(), PaymentId::new(noon()));
    let (first, second) = (order.state().expires_at, order.state().expires_at + EXTENSION);
    assert_eq!(order.record_pending_payment(payment), Change::Internal);
    assert_eq!(order.record_pending_payment(payment), Change::None);
    assert_eq!(
        order.expire_or_extend(first, EXTENSION, None, first),
        Change::NewVersion
    );
    assert_eq!(
        (
            order.status(),
            order.state().expires_at,
            order.state().extended_at,
            order.state().version
        ),
        (OrderStatus::Created, second, Some(first), 2)
    );
    assert_eq!(
        order.expire_or_extend(first, EXTENSION, None, first),
        Change::None,
        "an earlier deadline"
    );
    assert_eq!(
        order.expire_or_extend(second, EXTENSION, None, second),
        Change::NewVersion
    );
    assert_eq!(order.state().cancel_reason, Some(CancelReason::Expired));
}

#[test]
fn neither_a_failed_payment_nor_an_extension_of_zero_moves_the_deadline() {
    let [earlier, payment] = [PaymentId::new(noon()), PaymentId::new(noon())];
    let mut failed = new_order();
    failed.record_pending_payment(payment);
    assert_eq!(failed.record_failed_payment(earlier, noon()), Change::Internal);
    assert_eq!(
        failed.state().pending_payment_id,
        Some(payment),
        "the other attempt failed"
    );
    assert_eq!(failed.record_failed_payment(payment, noon()), Change::Internal);
    failed.expire_or_extend(failed.state().expires_at, EXTENSION, None, noon());
    assert_eq!(failed.state().cancel_reason, Some(CancelReason::Expired));
    let mut strict = new_order();
    strict.record_pending_payment(payment);
    strict.expire_or_extend(strict.state().expires_at, Duration::ZERO, None, noon());
    assert_eq!(strict.state().cancel_reason, Some(CancelReason::Expired));
}

fn money(version: u64, refunded_amount: i64, dispute: Option<Dispute>) -> ReversedPayment {
    ReversedPayment {
        version,
        refunded_amount,
        dispute,
    }
}

#[test]
fn of_reversals_the_newest_version_counts() {
    let mut order = new_order();
    let payment = PaymentId::new(noon());
    order.complete(payment, order.total(), noon()).unwrap();
    let one = RefundedTickets {
        refunded: 1,
        returned: 0,
    };
    assert_eq!(
        order.apply_reversal(one, money(6, 1999, None), noon()),
        Change::NewVersion
    );
    assert_eq!(order.apply_reversal(one, money(6, 1999, None), noon()), Change::None);
    assert_eq!(
        order.apply_reversal(one, money(5, 3998, None), noon()),
        Change::None,
        "an older version"
    );
    assert_eq!(
        (order.display_status(), order.sold_quantity()),
        (DisplayStatus::PartiallyRefunded, 2)
    );
    let lost = Dispute {
        status: DisputeStatus::Lost,
        amount: Money {
            amount: 1999,
            ..order.state().price
        },
    };
    assert_eq!(
        order.apply_reversal(one, money(7, 1999, Some(lost)), noon()),
        Change::NewVersion
    );
    assert_eq!(order.refunded_amount(), usd(3998), "the lost dispute is included");
    let both = RefundedTickets {
        refunded: 2,
        returned: 2,
    };
    order.apply_reversal(both, money(8, 3998, None), noon());
    assert_eq!(
        (order.display_status(), order.sold_quantity()),
        (DisplayStatus::Refunded, 0)
    );
    assert_eq!(order.status(), OrderStatus::Complete);
}

#[test]
fn a_payment_of_another_amount_is_rejected() {
    let (mut order, payment) = (new_order(), PaymentId::new(noon()));
    let less = Money {
        amount: order.total().amount - 1,
        ..order.total()
    };
    assert_eq!(
        order.confirm(payment, less, noon()),
        Err(CannotApplyPayment::AmountDiffers(payment))
    );
    assert_eq!(
        order.complete(payment, less, noon()),
        Err(CannotApplyPayment::AmountDiffers(payment))
    );
    assert_eq!(order.status(), OrderStatus::Created);
}

#[test]
fn only_the_failure_of_the_confirmed_payment_cancels_an_order() {
    let (mut order, payment, other) = (new_order(), PaymentId::new(noon()), PaymentId::new(noon()));
    assert_eq!(
        order.record_failed_payment(payment, noon()),
        Change::Internal,
        "the buyer tries again"
    );
    order.confirm(payment, order.total(), noon()).unwrap();
    assert_eq!(order.confirm(other, order.total(), noon()), Ok(Change::None));
    assert_eq!(order.record_failed_payment(other, noon()), Change::None);
    assert_eq!(
        order.complete(other, order.total(), noon()),
        Err(CannotApplyPayment::OtherPaymentConfirmed(other))
    );
    assert_eq!(order.record_failed_payment(payment, noon()), Change::NewVersion);
    assert_eq!(order.state().cancel_reason, Some(CancelReason::PaymentFailed));
}

#[test]
fn a_late_event_of_a_failed_attempt_moves_no_deadline() {
    let [first, second] = [PaymentId::new(noon()), PaymentId::new(noon())];
    let mut order = new_order();
    assert_eq!(order.record_failed_payment(first, noon()), Change::Internal);
    assert_eq!(order.record_failed_payment(first, noon()), Change::None);
    assert_eq!(order.record_pending_payment(first), Change::None);
    assert_eq!(order.state().pending_payment_id, None);

    // The buyer tries another card, and the events of the first attempt are repeated.
    assert_eq!(order.record_pending_payment(second), Change::Internal);
    assert_eq!(order.record_pending_payment(first), Change::None);
    assert_eq!(order.record_failed_payment(first, noon()), Change::None);
    assert_eq!(order.state().pending_payment_id, Some(second));
    assert_eq!(order.record_failed_payment(second, noon()), Change::Internal);
    assert_eq!(
        order.record_pending_payment(first),
        Change::None,
        "superseded by the second"
    );
    assert_eq!(
        order.expire_or_extend(order.state().expires_at, EXTENSION, None, noon()),
        Change::NewVersion
    );
    assert_eq!(order.status(), OrderStatus::Cancelled);
}

/// A transition of an order, some of them by either of two payments.
#[derive(Clone, Copy, Debug)]
enum Transition {
    Confirm(bool),
    Complete(bool),
    RecordFailed(bool),
    Cancel,
    Expire,
    Withdraw,
    RecordPending(bool),
}

fn transition() -> impl Strategy<Value = Transition> {
    prop_oneof![
        any::<bool>().prop_map(Transition::Confirm),
        any::<bool>().prop_map(Transition::Complete),
        any::<bool>().prop_map(Transition::RecordFailed),
        Just(Transition::Cancel),
        Just(Transition::Expire),
        Just(Transition::Withdraw),
        any::<bool>().prop_map(Transition::RecordPending),
    ]
}

proptest! {
    #[test]
    fn an_order_ends_once_and_stays_ended(transitions in prop::collection::vec(transition(), 0..12)) {
        let mut order = new_order();
        let payments = [PaymentId::new(noon()), PaymentId::new(noon())];
        let which = |first: bool| payments[usize::from(first)];
        let mut ended = None;
        for transition in transitions {
            let before = order.clone();
            let total = order.total();
            let change = match transition {
                Transition::Confirm(first) => order.confirm(which(first), total, noon()).unwrap_or(Change::None),
                Transition::Complete(first) => order.complete(which(first), total, noon()).unwrap_or(Change::None),
                Transition::RecordFailed(first) => order.record_failed_payment(which(first), noon()),
                Transition::Cancel => order.cancel(noon()).unwrap_or(Change::None),
                Transition::Expire => order.expire_or_extend(order.state().expires_at, EXTENSION, None, noon()),
                Transition::Withdraw => order.cancel_withdrawn(noon()),
                Transition::RecordPending(first) => order.record_pending_payment(which(first)),
            };
            prop_assert_eq!(change != Change::None, order != before, "a change is reported if there is one");
            let (pending, failed) = (order.state().pending_payment_id, order.state().failed_payment_id);
            prop_assert!(pending.max(failed).is_none() || order.status() == OrderStatus::Created);
            prop_assert!(pending.is_none() || pending > failed, "a failed attempt is never pending again");
            prop_assert!(order.state().expires_at <= noon() + WINDOW + EXTENSION, "moved once");
            prop_assert_eq!(order.state().version, before.state().version + u64::from(change == Change::NewVersion));
            if let Some(end) = &ended {
                prop_assert_eq!(&order, end);
            }
            if matches!(order.status(), OrderStatus::Complete | OrderStatus::Cancelled) {
                ended = Some(order.clone());
            }
            prop_assert_eq!(order.status() == OrderStatus::Cancelled, order.state().cancel_reason.is_some());
        }
    }
}
