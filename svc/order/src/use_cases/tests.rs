//! The use cases over a real database: the stock after any history of events.

use std::time::Duration;

use events::{Event, OrderStatus, PaymentStatus, Ticket};
use proptest::{prelude::*, test_runner::TestCaseError};
use values::{OrderId, PaymentId};

use super::cancel_order;
use crate::test_support::{TestDb, noon, runtime};

#[tokio::test]
async fn four_hundred_buyers_of_a_hundred_tickets_hold_exactly_a_hundred() {
    let test_db = TestDb::with_tickets(100).await;
    let orders = futures_util::future::join_all((0..400).map(|_| test_db.place(1))).await;
    assert_eq!(orders.iter().filter(|order| order.is_ok()).count(), 100);
    assert!(
        orders
            .iter()
            .filter_map(|order| order.as_ref().err())
            .all(|error| error.to_string() == "no tickets are left")
    );
    test_db.assert_stock(100, 100, 0).await;
    test_db.close_and_check().await;
}

#[tokio::test]
async fn a_listing_never_shrinks_below_the_tickets_held_and_sold() {
    let test_db = TestDb::with_tickets(10).await;
    let mut orders = Vec::new();
    for _ in 0..7 {
        orders.push(test_db.place(1).await.unwrap());
    }
    test_db.update_listing(2, |ticket| ticket.quantity = 5).await;
    // Never oversold, and no buyer loses a hold.
    test_db.assert_stock(7, 7, 0).await;
    assert!(test_db.place(1).await.is_err());
    for id in &orders[..4] {
        test_db.consume(TestDb::expiration(*id)).await;
    }
    // Released tickets are not sold again beyond the number that the seller wants to sell.
    test_db.assert_stock(5, 3, 0).await;
    assert!(test_db.place(2).await.is_ok());
    assert!(test_db.place(1).await.is_err());
    test_db.close_and_check().await;
}

#[tokio::test]
async fn a_withdrawal_cancels_open_orders_and_keeps_confirmed_ones() {
    let test_db = TestDb::with_tickets(10).await;
    let (open, confirmed) = (test_db.place(1).await.unwrap(), test_db.place(1).await.unwrap());
    let payment = PaymentId::new(noon());
    test_db
        .consume_payment(payment, confirmed, PaymentStatus::Authorized)
        .await;
    test_db
        .update_listing(2, |ticket| ticket.withdrawn_at = Some(noon()))
        .await;
    test_db.run_job().await;
    assert_eq!(test_db.status(open).await, OrderStatus::Cancelled);
    assert_eq!(test_db.status(confirmed).await, OrderStatus::AwaitingPayment);
    assert_eq!(
        test_db.place(1).await.unwrap_err().to_string(),
        "the seller has withdrawn this listing"
    );
    test_db
        .consume_payment(payment, confirmed, PaymentStatus::Captured)
        .await;
    test_db.assert_stock(10, 0, 1).await;
    test_db.close_and_check().await;
}

#[tokio::test]
async fn an_older_state_of_a_listing_does_not_undo_a_newer_one() {
    let test_db = TestDb::with_tickets(10).await;
    test_db.update_listing(3, |ticket| ticket.quantity = 20).await;
    test_db.update_listing(2, |ticket| ticket.quantity = 1).await;
    test_db.assert_stock(20, 0, 0).await;
    test_db.close_and_check().await;
}

#[tokio::test]
async fn a_captured_payment_of_a_cancelled_order_is_not_consumed() {
    let test_db = TestDb::with_tickets(1).await;
    let id = test_db.place(1).await.unwrap();
    test_db.consume(TestDb::expiration(id)).await;
    let late = test_db.payment(PaymentId::new(noon()), id, PaymentStatus::Captured);
    assert!(test_db.try_consume(late).await.is_err());
    test_db
        .consume_payment(PaymentId::new(noon()), id, PaymentStatus::Authorized)
        .await;
    assert_eq!(test_db.status(id).await, OrderStatus::Cancelled);
    test_db.assert_stock(1, 0, 0).await;
    test_db.close_and_check().await;
}

#[tokio::test]
async fn a_failure_that_overtakes_its_attempt_grants_no_extension() {
    let test_db = TestDb::with_tickets(1).await;
    let (id, payment) = (test_db.place(1).await.unwrap(), PaymentId::new(noon()));
    for status in [PaymentStatus::Failed, PaymentStatus::Pending] {
        test_db.consume_payment(payment, id, status).await;
    }
    test_db.consume(TestDb::expiration(id)).await;
    assert_eq!(test_db.status(id).await, OrderStatus::Cancelled);
    test_db.assert_stock(1, 0, 0).await;
    test_db.close_and_check().await;
}

#[tokio::test]
async fn an_order_keeps_its_deadline_when_the_seller_moves_the_start() {
    let test_db = TestDb::with_tickets(2).await;
    let start = |minutes| Some(noon() + Duration::from_mins(minutes));
    test_db.update_listing(2, |ticket| ticket.starts_at = start(10)).await;
    let id = test_db.place(1).await.unwrap();
    test_db.update_listing(3, |ticket| ticket.starts_at = start(5)).await;
    let other = test_db.place(1).await.unwrap();
    for (order, minutes) in [(id, 10), (other, 5)] {
        assert_eq!(Some(test_db.order(order).await.state().expires_at), start(minutes));
    }
    // With a payment in progress, the deadline moves to the present start at most.
    test_db
        .consume_payment(PaymentId::new(noon()), other, PaymentStatus::Pending)
        .await;
    test_db.update_listing(4, |ticket| ticket.starts_at = start(7)).await;
    test_db.consume(TestDb::expiration(other)).await;
    assert_eq!(Some(test_db.order(other).await.state().expires_at), start(7));
    test_db.close_and_check().await;
}

/// The events that other services publish about one order.
fn history(test_db: &TestDb, order: OrderId, payment: PaymentId, expired: bool) -> Vec<Event> {
    let mut events = vec![
        test_db.payment(payment, order, PaymentStatus::Authorized),
        test_db.payment(PaymentId::new(noon()), order, PaymentStatus::Failed),
    ];
    if expired {
        events.push(TestDb::expiration(order));
    } else {
        events.push(test_db.payment(payment, order, PaymentStatus::Captured));
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A captured payment always ends in a complete order.
    #[test]
    fn the_stock_is_exact_after_any_order_and_repetition_of_events(
        expired in any::<bool>(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        shrink in 1..5_u32,
    ) {
        runtime().block_on(async move {
            let test_db = TestDb::with_tickets(3).await;
            let (order, payment) = (test_db.place(1).await.unwrap(), PaymentId::new(noon()));
            let cancelled_by_buyer = test_db.place(2).await.unwrap();
            let mut events = history(&test_db, order, payment, expired);
            events.push(Event::TicketUpdated(Ticket { version: 2, quantity: shrink, ..test_db.ticket.clone() }));
            events.push(TestDb::expiration(cancelled_by_buyer));
            let buyer = test_db.order(cancelled_by_buyer).await.state().buyer_id;
            test_db.db.write(move |tx| cancel_order(tx, noon(), buyer, cancelled_by_buyer)).await.unwrap();
            // Each event at least once, after any number of repetitions.
            let repeated: Vec<_> = picks.iter().map(|pick| pick.get(&events).clone()).collect();
            for event in repeated.into_iter().chain(events) {
                test_db.consume(event).await;
            }
            let status = test_db.status(order).await;
            let expected = if expired {
                vec![OrderStatus::Cancelled, OrderStatus::AwaitingPayment]
            } else {
                vec![OrderStatus::Complete]
            };
            prop_assert!(expected.contains(&status), "{}", status);
            prop_assert_eq!(test_db.status(cancelled_by_buyer).await, OrderStatus::Cancelled);
            let stock = test_db.stock().await;
            prop_assert_eq!(stock.quantity, shrink.max(stock.held + stock.sold));
            test_db.close_and_check().await;
            Ok::<_, TestCaseError>(())
        })?;
    }
}

mod fixture;
mod refund_history;
mod refunds;
mod withdrawals;
