use db::Tx;
use events::{AfterSale, CancelReason, Order, OrderStatus, examples};
use proptest::prelude::*;
use values::{OrderId, TicketId};

use crate::{
    store,
    test_support::{NOW, database},
};

fn order(id: OrderId, ticket_id: TicketId, quantity: u32, version: u64, status: OrderStatus) -> Order {
    Order {
        id,
        version,
        status,
        cancel_reason: (status == OrderStatus::Cancelled).then_some(CancelReason::Expired),
        ticket_id,
        quantity,
        ..examples::order(NOW)
    }
}

/// The order after a refund of `quantity` tickets that are on sale again.
fn returned(order: &Order, version: u64, quantity: u32) -> Order {
    Order {
        version,
        after_sale: Some(AfterSale {
            refunded_quantity: quantity,
            returned_quantity: quantity,
            refunded_amount: order.total,
            dispute: None,
        }),
        ..order.clone()
    }
}

/// Returns the rows of the replica, and the stock derived from them.
fn rows(conn: &Tx) -> (Vec<String>, Vec<(String, i64, i64)>) {
    let mut holds = conn
        .prepare(
            "SELECT order_id || ticket_id || quantity || status || version || '-' || returned FROM hold ORDER BY 1",
        )
        .unwrap();
    let mut stock = conn
        .prepare("SELECT ticket_id, held, sold FROM stock ORDER BY 1")
        .unwrap();
    (
        holds
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap(),
        stock
            .query_map([], |row| row.try_into())
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap(),
    )
}

#[test]
fn an_old_cancellation_does_not_release_the_next_buyers_hold() {
    let conn = database();
    let (ticket, first, second) = (TicketId::new(NOW), OrderId::new(NOW), OrderId::new(NOW));
    let held = || rows(&conn).1[0].1;
    let record = |order: Order| store::upsert_order(&conn, &order).unwrap();
    record(order(first, ticket, 1, 1, OrderStatus::Created));
    record(order(first, ticket, 1, 2, OrderStatus::Cancelled));
    assert_eq!(held(), 0);
    record(order(second, ticket, 1, 1, OrderStatus::Created));
    record(order(first, ticket, 1, 2, OrderStatus::Cancelled));
    record(order(first, ticket, 1, 1, OrderStatus::Created));
    assert_eq!(held(), 1, "the second buyer's");
}

#[test]
fn a_refunded_ticket_that_is_on_sale_again_is_not_sold() {
    let conn = database();
    let order = order(OrderId::new(NOW), TicketId::new(NOW), 3, 3, OrderStatus::Complete);
    let record = |order: &Order| {
        store::upsert_order(&conn, order).unwrap();
        rows(&conn).1[0].2
    };
    assert_eq!(record(&order), 3);
    assert_eq!(record(&returned(&order, 4, 1)), 2);
    assert_eq!(record(&order), 2, "an older version");
    assert_eq!(record(&returned(&order, 5, 3)), 0);
}

/// The history of one order: which of two listings, the quantity, the statuses.
fn order_history() -> impl Strategy<Value = (bool, u32, &'static [OrderStatus])> {
    use OrderStatus::{AwaitingPayment, Cancelled, Complete, Created};
    let histories: [&[OrderStatus]; 5] = [
        &[Created],
        &[Created, Cancelled],
        &[Created, AwaitingPayment],
        &[Created, AwaitingPayment, Complete],
        &[Created, AwaitingPayment, Cancelled],
    ];
    (any::<bool>(), 1..5_u32, proptest::sample::select(histories.to_vec()))
}

/// The states of orders as published, and as they may arrive: in any order, with repetitions.
fn order_states() -> impl Strategy<Value = (Vec<Order>, Vec<Order>)> {
    proptest::collection::vec(order_history(), 0..8)
        .prop_map(|histories| {
            let tickets = [TicketId::new(NOW), TicketId::new(NOW)];
            let mut published = Vec::new();
            for (which, quantity, states) in histories {
                let id = OrderId::new(NOW);
                for (version, status) in (1..).zip(states) {
                    published.push(order(id, tickets[usize::from(which)], quantity, version, *status));
                }
                if states.last() == Some(&OrderStatus::Complete) {
                    let complete = &published[published.len() - 1];
                    let given_back = [returned(complete, 4, quantity / 2), returned(complete, 5, quantity)];
                    published.extend(given_back);
                }
            }
            published
        })
        .prop_flat_map(|published| {
            let again = proptest::sample::subsequence(published.clone(), 0..=published.len());
            (Just(published), again)
        })
        .prop_flat_map(|(published, again)| {
            let arriving = [published.clone(), again].concat();
            (Just(published), Just(arriving).prop_shuffle())
        })
}

proptest! {
    #[test]
    fn any_order_and_any_repetition_of_events_ends_in_the_same_rows((published, arriving) in order_states()) {
        let (one, other) = (database(), database());
        for order in &published {
            store::upsert_order(&one, order).unwrap();
        }
        for order in &arriving {
            store::upsert_order(&other, order).unwrap();
        }
        prop_assert_eq!(rows(&one), rows(&other));
        for invariant in store::INVARIANTS {
            let broken = invariant.is_violated(&other).unwrap();
            prop_assert!(!broken, "{}", invariant.name);
        }
    }
}
