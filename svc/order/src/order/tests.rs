use proptest::prelude::*;

use super::*;

const WINDOW: Duration = Duration::from_mins(15);

fn noon() -> Timestamp {
    "2027-06-01T12:00:00Z".parse().unwrap()
}

fn listing() -> Listing {
    Listing {
        id: TicketId::new(noon()),
        seller_id: UserId::new(noon()),
        title: "The Lighthouse Keepers, live".to_owned(),
        price: Money {
            amount: 1999,
            currency: "usd".parse().unwrap(),
        },
        starts_at: None,
        window: None,
        withdrawn_at: None,
        left: 100,
    }
}

fn order() -> Order {
    Order::place(&listing(), UserId::new(noon()), 2, WINDOW, noon()).unwrap()
}

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
            amount: ids::MAX_AMOUNT,
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
    assert_eq!(order.expire(order.expires_at, noon()), Change::None);
    assert_eq!(order.withdraw(noon()), Change::None);
    assert_eq!(order.cancel(noon()), Err(CannotCancel::Paying));
    assert_eq!(order.complete(payment, order.total(), noon()), Ok(Change::Made));
    assert_eq!(order.cancel(noon()), Err(CannotCancel::Complete));
}

#[test]
fn an_old_timer_does_not_end_an_order_that_was_given_more_time() {
    let mut order = order();
    let earlier = order.expires_at - Duration::from_millis(1);
    assert_eq!(order.expire(earlier, noon()), Change::None);
    assert_eq!(order.expire(order.expires_at, noon()), Change::Made);
    assert_eq!(order.expire(order.expires_at, noon()), Change::None);
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
    assert_eq!(order.fail(payment, noon()), Change::None, "the buyer tries again");
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

/// Anything that can happen to an order, by either of two payments.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Confirm(bool),
    Complete(bool),
    Fail(bool),
    Cancel,
    Expire,
    Withdraw,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        any::<bool>().prop_map(Happening::Confirm),
        any::<bool>().prop_map(Happening::Complete),
        any::<bool>().prop_map(Happening::Fail),
        Just(Happening::Cancel),
        Just(Happening::Expire),
        Just(Happening::Withdraw),
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
                Happening::Expire => order.expire(order.expires_at, noon()),
                Happening::Withdraw => order.withdraw(noon()),
            };
            prop_assert_eq!(change == Change::Made, order != before, "a change is told, and nothing else is changed");
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
