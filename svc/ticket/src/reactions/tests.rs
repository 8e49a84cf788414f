use events::{AfterSale, CancelReason, Order, OrderStatus, examples};
use proptest::prelude::*;
use rusqlite::Connection;
use values::{OrderId, TicketId};

use super::*;
use crate::listing::tests::NOW;

fn database() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    for migration in <crate::Ticket as chassis::Service>::SCHEMA.migrations {
        conn.execute_batch(migration).unwrap();
    }
    conn
}

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

/// The order, when so many of its tickets were given back and are on sale again.
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

/// All that is known of orders, and what follows from it.
fn known(conn: &Connection) -> (Vec<String>, Vec<(String, i64, i64)>) {
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
    let held = || known(&conn).1[0].1;
    let say = |order: Order| store::hold(&conn, &order).unwrap();
    say(order(first, ticket, 1, 1, OrderStatus::Created));
    say(order(first, ticket, 1, 2, OrderStatus::Cancelled));
    assert_eq!(held(), 0);
    say(order(second, ticket, 1, 1, OrderStatus::Created));
    say(order(first, ticket, 1, 2, OrderStatus::Cancelled));
    say(order(first, ticket, 1, 1, OrderStatus::Created));
    assert_eq!(held(), 1, "the second buyer's");
}

#[test]
fn what_is_given_back_to_be_sold_again_is_not_sold() {
    let conn = database();
    let order = order(OrderId::new(NOW), TicketId::new(NOW), 3, 3, OrderStatus::Complete);
    let say = |order: &Order| {
        store::hold(&conn, order).unwrap();
        known(&conn).1[0].2
    };
    assert_eq!(say(&order), 3);
    assert_eq!(say(&returned(&order, 4, 1)), 2);
    assert_eq!(say(&order), 2, "that is old");
    assert_eq!(say(&returned(&order, 5, 3)), 0);
}

/// The life of one order: of which of two tickets, how many, and how it goes.
fn a_life() -> impl Strategy<Value = (bool, u32, &'static [OrderStatus])> {
    use OrderStatus::{AwaitingPayment, Cancelled, Complete, Created};
    let lives: [&[OrderStatus]; 5] = [
        &[Created],
        &[Created, Cancelled],
        &[Created, AwaitingPayment],
        &[Created, AwaitingPayment, Complete],
        &[Created, AwaitingPayment, Cancelled],
    ];
    (any::<bool>(), 1..5_u32, proptest::sample::select(lives.to_vec()))
}

/// What the orders say, as it is said, and as it may arrive: in any order, with repetitions.
fn what_orders_say() -> impl Strategy<Value = (Vec<Order>, Vec<Order>)> {
    proptest::collection::vec(a_life(), 0..8)
        .prop_map(|lives| {
            let tickets = [TicketId::new(NOW), TicketId::new(NOW)];
            let mut said = Vec::new();
            for (which, quantity, states) in lives {
                let id = OrderId::new(NOW);
                for (version, status) in (1..).zip(states) {
                    said.push(order(id, tickets[usize::from(which)], quantity, version, *status));
                }
                if states.last() == Some(&OrderStatus::Complete) {
                    let complete = &said[said.len() - 1];
                    let given_back = [returned(complete, 4, quantity / 2), returned(complete, 5, quantity)];
                    said.extend(given_back);
                }
            }
            said
        })
        .prop_flat_map(|said| {
            let again = proptest::sample::subsequence(said.clone(), 0..=said.len());
            (Just(said), again)
        })
        .prop_flat_map(|(said, again)| {
            let arriving = [said.clone(), again].concat();
            (Just(said), Just(arriving).prop_shuffle())
        })
}

proptest! {
    #[test]
    fn any_order_and_any_repetition_of_events_ends_in_the_same_rows((said, arriving) in what_orders_say()) {
        let (one, other) = (database(), database());
        for order in &said {
            store::hold(&one, order).unwrap();
        }
        for order in &arriving {
            store::hold(&other, order).unwrap();
        }
        prop_assert_eq!(known(&one), known(&other));
        for invariant in store::INVARIANTS {
            let broken = other.prepare(invariant.sql).unwrap().exists([]).unwrap();
            prop_assert!(!broken, "{}", invariant.name);
        }
    }
}
