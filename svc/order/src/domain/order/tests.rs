use proptest::prelude::*;

use super::*;
use crate::test_support::{EXTENSION, WINDOW, listing, noon, order};

#[test]
fn an_order_keeps_the_window_it_was_promised() {
    assert_eq!(order().expires_at, noon() + WINDOW);
    let short = Listing {
        window: Some(Duration::from_secs(10)),
        ..listing()
    };
    let order = Order::place(&short, UserId::new(noon()), 1, WINDOW, noon()).unwrap();
    assert_eq!(order.expires_at, noon() + Duration::from_secs(10));
}

#[test]
fn nobody_buys_their_own_tickets() {
    let listing = listing();
    assert_eq!(
        Order::place(&listing, listing.seller_id, 1, WINDOW, noon()),
        Err(Refused::OwnTicket)
    );
}

#[test]
fn an_order_is_never_dearer_than_one_payment_can_be() {
    let dear = Listing {
        price: Money {
            amount: values::MAX_AMOUNT,
            ..listing().price
        },
        ..listing()
    };
    assert!(Order::place(&dear, UserId::new(noon()), 1, WINDOW, noon()).is_ok());
    assert_eq!(
        Order::place(&dear, UserId::new(noon()), 2, WINDOW, noon()),
        Err(Refused::TooDear(2))
    );
}

#[test]
fn a_confirmed_order_neither_expires_nor_is_cancelled() {
    let (mut order, payment) = (order(), PaymentId::new(noon()));
    assert_eq!(order.confirm(payment, order.total(), noon()), Ok(Change::Made));
    assert_eq!(order.expire(order.expires_at, EXTENSION, noon()), Change::None);
    assert_eq!(order.withdraw(noon()), Change::None);
    assert_eq!(order.cancel(noon()), Err(CannotCancel::Paying));
    assert_eq!(order.complete(payment, order.total(), noon()), Ok(Change::Made));
    assert_eq!(order.cancel(noon()), Err(CannotCancel::Complete));
}

#[test]
fn an_old_timer_does_not_end_an_order_that_was_given_more_time() {
    let mut order = order();
    let earlier = order.expires_at - Duration::from_millis(1);
    assert_eq!(order.expire(earlier, EXTENSION, noon()), Change::None);
    assert_eq!(order.expire(order.expires_at, EXTENSION, noon()), Change::Made);
    assert_eq!(order.expire(order.expires_at, EXTENSION, noon()), Change::None);
}

#[test]
fn a_payment_under_way_moves_the_deadline_once() {
    let (mut order, payment) = (order(), PaymentId::new(noon()));
    let (first, second) = (order.expires_at, order.expires_at + EXTENSION);
    assert_eq!(order.await_payment(payment), Change::Noted);
    assert_eq!(order.await_payment(payment), Change::None);
    assert_eq!(order.expire(first, EXTENSION, first), Change::Made);
    assert_eq!(
        (order.status, order.expires_at, order.extended_at, order.version),
        (OrderStatus::Created, second, Some(first), 2)
    );
    assert_eq!(
        order.expire(first, EXTENSION, first),
        Change::None,
        "that deadline is over"
    );
    assert_eq!(order.expire(second, EXTENSION, second), Change::Made);
    assert_eq!(order.cancel_reason, Some(CancelReason::Expired));
}

#[test]
fn no_deadline_is_moved_for_a_payment_that_failed_or_where_there_is_no_extension() {
    let [earlier, payment] = [PaymentId::new(noon()), PaymentId::new(noon())];
    let mut failed = order();
    failed.await_payment(payment);
    assert_eq!(failed.fail(earlier, noon()), Change::Noted);
    assert_eq!(failed.pending, Some(payment), "that is another");
    assert_eq!(failed.fail(payment, noon()), Change::Noted);
    failed.expire(failed.expires_at, EXTENSION, noon());
    assert_eq!(failed.cancel_reason, Some(CancelReason::Expired));
    let mut strict = order();
    strict.await_payment(payment);
    strict.expire(strict.expires_at, Duration::ZERO, noon());
    assert_eq!(strict.cancel_reason, Some(CancelReason::Expired));
}

#[test]
fn of_what_went_back_the_newest_version_counts() {
    let mut order = order();
    let payment = PaymentId::new(noon());
    order.complete(payment, order.total(), noon()).unwrap();
    let one = GivenBack {
        refunded: 1,
        returned: 0,
    };
    assert_eq!(order.give_back(one, 6, 1999, None, noon()), Change::Made);
    assert_eq!(order.give_back(one, 6, 1999, None, noon()), Change::None);
    assert_eq!(order.give_back(one, 5, 3998, None, noon()), Change::None, "that is old");
    assert_eq!((order.shown(), order.kept()), (Shown::PartiallyRefunded, 2));
    let lost = Dispute {
        status: DisputeStatus::Lost,
        amount: Money {
            amount: 1999,
            ..order.price
        },
    };
    assert_eq!(order.give_back(one, 7, 1999, Some(lost), noon()), Change::Made);
    assert_eq!(order.refunded_amount(), 3998, "what the bank took is gone, too");
    let both = GivenBack {
        refunded: 2,
        returned: 2,
    };
    order.give_back(both, 8, 3998, None, noon());
    assert_eq!((order.shown(), order.kept()), (Shown::Refunded, 0));
    assert_eq!(order.status, OrderStatus::Complete);
}

#[test]
fn a_payment_of_another_amount_is_not_taken() {
    let (mut order, payment) = (order(), PaymentId::new(noon()));
    let less = Money {
        amount: order.total().amount - 1,
        ..order.total()
    };
    assert_eq!(order.confirm(payment, less, noon()), Err(CannotPay::Amount(payment)));
    assert_eq!(order.complete(payment, less, noon()), Err(CannotPay::Amount(payment)));
    assert_eq!(order.status, OrderStatus::Created);
}

#[test]
fn only_the_payment_that_it_was_confirmed_with_can_end_an_order() {
    let (mut order, payment, other) = (order(), PaymentId::new(noon()), PaymentId::new(noon()));
    assert_eq!(order.fail(payment, noon()), Change::Noted, "the buyer tries again");
    order.confirm(payment, order.total(), noon()).unwrap();
    assert_eq!(order.confirm(other, order.total(), noon()), Ok(Change::None));
    assert_eq!(order.fail(other, noon()), Change::None);
    assert_eq!(
        order.complete(other, order.total(), noon()),
        Err(CannotPay::Other(other))
    );
    assert_eq!(order.fail(payment, noon()), Change::Made);
    assert_eq!(order.cancel_reason, Some(CancelReason::PaymentFailed));
}

#[test]
fn an_attempt_that_is_known_to_be_over_moves_no_deadline_when_it_is_heard_of_late() {
    let [first, second] = [PaymentId::new(noon()), PaymentId::new(noon())];
    let mut order = order();
    assert_eq!(order.fail(first, noon()), Change::Noted);
    assert_eq!(order.fail(first, noon()), Change::None);
    assert_eq!(order.await_payment(first), Change::None);
    assert_eq!(order.pending, None);

    // Another card is tried, and of the first one everything comes once more.
    assert_eq!(order.await_payment(second), Change::Noted);
    assert_eq!(order.await_payment(first), Change::None);
    assert_eq!(order.fail(first, noon()), Change::None);
    assert_eq!(order.pending, Some(second));
    assert_eq!(order.fail(second, noon()), Change::Noted);
    assert_eq!(order.await_payment(first), Change::None, "it had given way");
    assert_eq!(order.expire(order.expires_at, EXTENSION, noon()), Change::Made);
    assert_eq!(order.status, OrderStatus::Cancelled);
}

/// Anything that can happen to an order, by either of two payments.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Confirm(bool),
    Complete(bool),
    Fail(bool),
    Cancel,
    Expire,
    Withdraw,
    Await(bool),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        any::<bool>().prop_map(Happening::Confirm),
        any::<bool>().prop_map(Happening::Complete),
        any::<bool>().prop_map(Happening::Fail),
        Just(Happening::Cancel),
        Just(Happening::Expire),
        Just(Happening::Withdraw),
        any::<bool>().prop_map(Happening::Await),
    ]
}

proptest! {
    #[test]
    fn an_order_ends_once_and_stays_ended(happenings in prop::collection::vec(happening(), 0..12)) {
        let mut order = order();
        let payments = [PaymentId::new(noon()), PaymentId::new(noon())];
        let which = |first: bool| payments[usize::from(first)];
        let mut ended = None;
        for happening in happenings {
            let before = order.clone();
            let total = order.total();
            let change = match happening {
                Happening::Confirm(first) => order.confirm(which(first), total, noon()).unwrap_or(Change::None),
                Happening::Complete(first) => order.complete(which(first), total, noon()).unwrap_or(Change::None),
                Happening::Fail(first) => order.fail(which(first), noon()),
                Happening::Cancel => order.cancel(noon()).unwrap_or(Change::None),
                Happening::Expire => order.expire(order.expires_at, EXTENSION, noon()),
                Happening::Withdraw => order.withdraw(noon()),
                Happening::Await(first) => order.await_payment(which(first)),
            };
            prop_assert_eq!(change != Change::None, order != before, "a change is told, and nothing else is changed");
            prop_assert!(order.pending.max(order.over).is_none() || order.status == OrderStatus::Created);
            prop_assert!(order.pending.is_none() || order.pending > order.over, "what is over stays so");
            prop_assert!(order.expires_at <= noon() + WINDOW + EXTENSION, "it is moved once");
            prop_assert_eq!(order.version, before.version + u64::from(change == Change::Made));
            if let Some(end) = &ended {
                prop_assert_eq!(&order, end);
            }
            if matches!(order.status, OrderStatus::Complete | OrderStatus::Cancelled) {
                ended = Some(order.clone());
            }
            prop_assert_eq!(order.status == OrderStatus::Cancelled, order.cancel_reason.is_some());
        }
    }
}
