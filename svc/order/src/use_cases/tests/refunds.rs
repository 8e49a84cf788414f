//! Refunds.

use std::time::Duration;

use events::{DisputeStatus, Event, RefundStatus, RefundTerms, examples::usd};
use values::{RefundId, UserId};

use super::fixture::{disputed, refund_failed, refund_paid, reversal};
use crate::{
    domain::{AlreadyDecided, CannotRefund, MAX_REFUNDS, Order, Refund, RefundState},
    test_support::{TestDb, noon},
    use_cases::{DecideRefundError, RequestRefundError},
};

#[tokio::test]
async fn refunded_tickets_are_sold_again() {
    let test_db = TestDb::with_tickets(3).await;
    let order = test_db.paid_order(3).await;
    let refund = test_db.request_by_buyer(&order, Some(2)).await.unwrap();
    assert_eq!(refund.status(), RefundStatus::Requested);
    let refund = test_db.decide(order.state().seller_id, &refund, true).await.unwrap();
    assert_eq!(
        (refund.status(), refund.state().amount),
        (RefundStatus::Approved, usd(3998))
    );
    // Until the money is paid back, the tickets belong to the buyer.
    test_db.assert_stock(3, 0, 3).await;
    for _ in 0..2 {
        test_db.consume(refund_paid(&order, 5, 3998, &refund)).await;
    }
    test_db.assert_stock(3, 0, 1).await;
    assert!(test_db.place(2).await.is_ok());
    let order = test_db.order(order.id()).await;
    assert_eq!((order.state().version, order.refunded_amount()), (3, usd(3998)));
    let published = test_db.published().await;
    let names: Vec<_> = published
        .iter()
        .map(|name| name.trim_start_matches("ticketing."))
        .collect();
    assert_eq!(
        names,
        [
            "order.created.v1",
            "order.completed.v1",
            "refund.requested.v1",
            "refund.approved.v1",
            "refund.paid.v1",
            "order.refunded.v1",
            "order.created.v1",
        ]
    );
    test_db.close_and_check().await;
}

#[tokio::test]
async fn refunded_tickets_are_void_if_the_listing_does_not_resell_them() {
    let test_db = TestDb::with_tickets(2).await;
    let terms = RefundTerms {
        resell_refunded: false,
        ..RefundTerms::default()
    };
    test_db.change_terms(2, terms).await;
    let order = test_db.paid_order(2).await;
    let refund = test_db.request_by_seller(&order, None).await.unwrap();
    test_db.consume(refund_paid(&order, 5, 3998, &refund)).await;
    test_db.assert_stock(2, 0, 2).await;
    assert!(test_db.place(1).await.is_err());
    assert!(!test_db.refund(refund.id()).await.state().returned);
    test_db.close_and_check().await;
}

#[tokio::test]
async fn a_refund_is_guaranteed_by_the_listing_at_the_time_of_the_order_or_now() {
    let test_db = TestDb::with_tickets(5).await;
    let guaranteed = RefundTerms {
        refundable_until: Some(noon() + Duration::from_mins(1)),
        ..RefundTerms::default()
    };
    test_db.change_terms(2, guaranteed).await;
    let first = test_db.paid_order(1).await;
    test_db.change_terms(3, RefundTerms::default()).await;
    let second = test_db.paid_order(1).await;
    let request = async |order: &Order| test_db.request_by_buyer(order, None).await.unwrap().status();
    assert_eq!(request(&first).await, RefundStatus::Approved, "guaranteed at the time");
    assert_eq!(request(&second).await, RefundStatus::Requested);
    test_db.change_terms(4, guaranteed).await;
    let third = test_db.paid_order(1).await;
    assert_eq!(request(&third).await, RefundStatus::Approved);
    test_db.close_and_check().await;
}

#[tokio::test]
async fn the_tickets_of_a_failed_refund_stay_sold_and_can_be_refunded_again() {
    let test_db = TestDb::with_tickets(1).await;
    let order = test_db.paid_order(1).await;
    let refund = test_db.request_by_seller(&order, None).await.unwrap();
    assert!(matches!(
        test_db.request_by_buyer(&order, None).await,
        Err(RequestRefundError::CannotRefund(CannotRefund::NothingLeft))
    ));
    test_db.consume(refund_failed(&order, 5, 0, &refund)).await;
    let failed = test_db.refund(refund.id()).await;
    assert_eq!(
        (failed.status(), failed.state().failure.as_deref()),
        (RefundStatus::Failed, Some("The account is closed."))
    );
    test_db.assert_stock(1, 0, 1).await;
    let again = test_db.request_by_buyer(&order, None).await.unwrap();
    assert_eq!(again.status(), RefundStatus::Requested);
    // The failed refund was paid after all: both together would exceed the order, which an operator has to resolve.
    let late = refund_paid(&order, 6, 1999, &refund);
    assert!(test_db.try_consume(late).await.is_err());
    test_db.close_and_check().await;
}

#[tokio::test]
async fn only_buyer_and_seller_request_and_only_the_seller_decides() {
    let test_db = TestDb::with_tickets(2).await;
    let order = test_db.paid_order(2).await;
    let (buyer, seller, stranger) = (order.state().buyer_id, order.state().seller_id, UserId::new(noon()));
    assert!(matches!(
        test_db.request(stranger, order.id(), None).await,
        Err(RequestRefundError::NotYours(_))
    ));
    let refund = test_db.request_by_buyer(&order, Some(1)).await.unwrap();
    assert!(matches!(
        test_db.decide(buyer, &refund, true).await,
        Err(DecideRefundError::NotTheSeller)
    ));
    assert!(matches!(
        test_db.decide(stranger, &refund, true).await,
        Err(DecideRefundError::NotYours(_))
    ));
    test_db.decide(seller, &refund, false).await.unwrap();
    assert!(matches!(
        test_db.decide(seller, &refund, true).await,
        Err(DecideRefundError::AlreadyDecided(AlreadyDecided(
            RefundStatus::Declined
        )))
    ));
    // A declined refund claims no tickets.
    let rest = test_db.request_by_buyer(&order, None).await.unwrap();
    assert_eq!(rest.state().quantity, 2);
    test_db.close_and_check().await;
}

#[tokio::test]
async fn buyer_and_seller_request_a_limited_number_of_refunds_of_an_order() {
    let test_db = TestDb::with_tickets(1).await;
    let order = test_db.paid_order(1).await;
    for _ in 0..MAX_REFUNDS {
        let refund = test_db.request_by_buyer(&order, None).await.unwrap();
        test_db.decide(order.state().seller_id, &refund, false).await.unwrap();
    }
    for refused in [
        test_db.request_by_buyer(&order, None).await,
        test_db.request_by_seller(&order, None).await,
    ] {
        assert!(
            matches!(refused, Err(RequestRefundError::TooManyRefunds(MAX_REFUNDS))),
            "{refused:?}"
        );
    }
    // A withdrawal refunds the order nevertheless.
    test_db.withdraw(2).await;
    test_db.run_job().await;
    let last = test_db.refunds(order.id()).await.pop().unwrap();
    assert_eq!(last.status(), RefundStatus::Approved);
    test_db.close_and_check().await;
}

#[tokio::test]
async fn a_disputed_order_is_not_refunded_until_the_bank_has_decided() {
    let test_db = TestDb::with_tickets(2).await;
    let order = test_db.paid_order(1).await;
    let seller = order.state().seller_id;
    let requested = test_db.request_by_buyer(&order, None).await.unwrap();
    test_db.consume(disputed(&order, 5, DisputeStatus::Open)).await;
    assert!(test_db.order(order.id()).await.is_disputed());
    assert!(matches!(
        test_db.request_by_seller(&order, None).await,
        Err(RequestRefundError::CannotRefund(CannotRefund::Disputed))
    ));
    assert!(matches!(
        test_db.decide(seller, &requested, true).await,
        Err(DecideRefundError::CannotRefund(CannotRefund::Disputed))
    ));
    test_db.consume(disputed(&order, 6, DisputeStatus::Won)).await;
    test_db.consume(disputed(&order, 5, DisputeStatus::Open)).await;
    assert!(test_db.decide(seller, &requested, true).await.is_ok());

    let lost = test_db.paid_order(1).await;
    test_db.consume(disputed(&lost, 5, DisputeStatus::Open)).await;
    test_db.consume(disputed(&lost, 6, DisputeStatus::Lost)).await;
    assert_eq!(test_db.order(lost.id()).await.refunded_amount(), usd(1999));
    assert!(
        test_db.request_by_seller(&lost, None).await.is_err(),
        "nothing is paid back twice"
    );
    test_db.close_and_check().await;
}

#[tokio::test]
async fn money_refunded_by_hand_is_counted_and_returns_no_ticket() {
    let test_db = TestDb::with_tickets(2).await;
    let order = test_db.paid_order(2).await;
    let by_hand = Event::PaymentRefunded(reversal(&order, 5, 1000, None));
    test_db.consume(by_hand).await;
    let order = test_db.order(order.id()).await;
    assert_eq!(
        (order.refunded_amount(), order.state().after_sale.tickets.refunded),
        (usd(1000), 0)
    );
    test_db.assert_stock(2, 0, 2).await;
    test_db.close_and_check().await;
}

#[tokio::test]
async fn the_outcome_of_a_missing_refund_is_not_consumed() {
    let test_db = TestDb::with_tickets(2).await;
    let order = test_db.paid_order(1).await;
    let refund = test_db.request_by_seller(&order, None).await.unwrap();
    let missing = Refund::from_state(RefundState {
        id: RefundId::new(noon()),
        ..refund.into_state()
    });
    let outcome = refund_paid(&order, 5, 1999, &missing);
    assert!(test_db.try_consume(outcome).await.is_err());
    test_db.close_and_check().await;
}
