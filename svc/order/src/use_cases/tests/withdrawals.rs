//! Withdrawals of listings with sales.

use events::{AskedBy, Dispute, DisputeStatus, Event, OrderStatus, RefundStatus, Reversal};
use values::UserId;

use super::fixture::{disputed, refund_failed, refund_paid, reversal};
use crate::{
    domain::{NotOnSale, WithdrawalProgress},
    test_support::{TestDb, noon},
    use_cases::{PlaceOrderError, RetryWithdrawalError, continue_withdrawal},
};

#[tokio::test]
async fn a_withdrawn_listing_refunds_all_of_its_sales() {
    let test_db = TestDb::with_tickets(500).await;
    let mut sold = Vec::new();
    for _ in 0..205 {
        sold.push(test_db.paid_order(1).await);
    }
    let partly = test_db.paid_order(3).await;
    let before = test_db.request_by_seller(&partly, Some(1)).await.unwrap();
    test_db.consume(refund_paid(&partly, 5, 1999, &before)).await;
    let requested = test_db.request_by_buyer(&partly, Some(1)).await.unwrap();
    let won = test_db.paid_order(1).await;
    test_db.consume(disputed(&won, 5, DisputeStatus::Open)).await;
    let inquiry = test_db.paid_order(1).await;
    test_db.consume(disputed(&inquiry, 5, DisputeStatus::Open)).await;
    let confirmed = test_db.place(1).await.unwrap();
    test_db.authorize(confirmed).await;
    let open = test_db.place(1).await.unwrap();

    test_db.withdraw(2).await;
    // The progress of each batch is stored in the database.
    assert!(test_db.run_job_once().await);
    assert_eq!(test_db.status(open).await, OrderStatus::Cancelled);
    assert!(test_db.run_job_once().await);
    assert!(test_db.run_job_once().await);
    test_db.run_job().await;
    let published = test_db.published().await.len();
    test_db.run_job_once().await;
    test_db.withdraw(2).await;
    test_db.run_job_once().await;
    assert_eq!(test_db.published().await.len(), published, "nothing is refunded twice");
    assert_eq!(
        test_db.progress().await,
        WithdrawalProgress {
            orders: 209,
            refunded: 0,
            failed: 0,
            sent_back: 0,
        }
    );
    for order in &sold {
        let refunds = test_db.refunds(order.id()).await;
        assert_eq!(refunds.len(), 1);
        assert_eq!(
            (refunds[0].state().requested_by, refunds[0].status()),
            (AskedBy::Withdrawal, RefundStatus::Approved)
        );
    }
    assert_eq!(test_db.refund(requested.id()).await.status(), RefundStatus::Approved);
    let refunds = test_db.refunds(partly.id()).await;
    let quantities: Vec<_> = refunds.iter().map(|refund| refund.state().quantity).collect();
    assert_eq!(quantities, [1, 1, 1]);

    // An order that is paid after the withdrawal is refunded, and a disputed one once the bank has decided.
    test_db.pay(confirmed).await;
    let refunds = test_db.refunds(confirmed).await;
    assert_eq!(refunds[0].state().requested_by, AskedBy::Withdrawal);
    assert_eq!(test_db.refunds(won.id()).await, []);
    test_db.consume(disputed(&won, 6, DisputeStatus::Won)).await;
    assert_eq!(test_db.refunds(won.id()).await.len(), 1);

    // An inquiry of the bank ends without a dispute.
    assert_eq!(test_db.refunds(inquiry.id()).await, []);
    let closed = Event::PaymentDisputed(reversal(&inquiry, 6, 0, None));
    test_db.consume(closed).await;
    assert_eq!(test_db.refunds(inquiry.id()).await.len(), 1);

    let (paid, failed) = (&sold[0], &sold[1]);
    let refund = test_db.refunds(paid.id()).await.remove(0);
    test_db.consume(refund_paid(paid, 5, 1999, &refund)).await;
    let refund = test_db.refunds(failed.id()).await.remove(0);
    test_db.consume(refund_failed(failed, 5, 0, &refund)).await;
    let progress = test_db.progress().await;
    assert_eq!((progress.refunded, progress.failed, progress.pending()), (1, 1, 207));
    test_db.close_and_check().await;
}

#[tokio::test]
async fn a_withdrawal_refuses_orders_at_once_and_cancels_the_open_ones_in_steps() {
    let test_db = TestDb::with_tickets(500).await;
    let mut open = Vec::new();
    for _ in 0..250 {
        open.push(test_db.place(1).await.unwrap());
    }
    let (paid, late) = (open[248], open[249]);
    test_db.withdraw(2).await;
    assert!(matches!(
        test_db.place(1).await.unwrap_err(),
        PlaceOrderError::NotOnSale(NotOnSale::Withdrawn)
    ));
    // A payment that is authorised before the order's turn is not captured; one that was captured is refunded.
    test_db.authorize(late).await;
    assert_eq!(test_db.status(late).await, OrderStatus::Cancelled);
    test_db.pay(paid).await;
    assert_eq!(test_db.refunds(paid).await[0].state().requested_by, AskedBy::Withdrawal);
    test_db.check();

    for expected in [100, 200, 248] {
        assert!(test_db.run_job_once().await);
        let mut cancelled = 0;
        for id in &open[..248] {
            cancelled += u32::from(test_db.status(*id).await == OrderStatus::Cancelled);
        }
        assert_eq!(cancelled, expected);
        test_db.check();
        // The event of the withdrawal is repeated.
        test_db.withdraw(2).await;
    }
    test_db.run_job().await;
    let published = test_db.published().await;
    let cancelled = published.iter().filter(|name| name.contains("order.cancelled")).count();
    assert_eq!(cancelled, 249, "each order is cancelled once");
    test_db.close_and_check().await;
}

#[tokio::test]
async fn a_large_withdrawal_does_not_delay_another_one() {
    let test_db = TestDb::with_tickets(500).await;
    for _ in 0..150 {
        test_db.place(1).await.unwrap();
    }
    test_db.withdraw(2).await;
    let other = test_db.withdrawn_listing().await;
    let mut last = None;
    let mut steps = Vec::new();
    for _ in 0..2 {
        let step = test_db.db.write(move |tx| continue_withdrawal(tx, noon(), last));
        last = step.await.unwrap();
        steps.push(last.unwrap());
    }
    steps.sort();
    let mut both = [test_db.ticket.id, other];
    both.sort();
    assert_eq!(steps, both);
    test_db.run_job().await;
    test_db.close_and_check().await;
}

#[tokio::test]
async fn the_failed_refunds_of_a_withdrawal_are_retried_by_its_seller() {
    let test_db = TestDb::with_tickets(10).await;
    let seller = test_db.ticket.seller_id;
    let [paid, sent_back, failed, open] = [
        test_db.paid_order(1).await,
        test_db.paid_order(1).await,
        test_db.paid_order(2).await,
        test_db.paid_order(1).await,
    ];
    let early = test_db.retry(seller).await.unwrap_err();
    assert!(matches!(early, RetryWithdrawalError::NotWithdrawn), "{early}");
    test_db.withdraw(2).await;
    test_db.run_job().await;
    for order in [&paid, &sent_back] {
        let refund = test_db.refunds(order.id()).await.remove(0);
        test_db.consume(refund_paid(order, 5, 1999, &refund)).await;
    }
    let refund = test_db.refunds(sent_back.id()).await.remove(0);
    test_db.consume(refund_failed(&sent_back, 6, 0, &refund)).await;
    let refund = test_db.refunds(failed.id()).await.remove(0);
    test_db.consume(refund_failed(&failed, 5, 0, &refund)).await;
    assert!(!test_db.run_job_once().await, "the job does not retry");
    let before = WithdrawalProgress {
        orders: 4,
        refunded: 1,
        failed: 1,
        sent_back: 1,
    };
    assert_eq!(test_db.progress().await, before);

    let stranger = test_db.retry(UserId::new(noon())).await.unwrap_err();
    assert!(matches!(stranger, RetryWithdrawalError::NotYours(_)), "{stranger}");
    for _ in 0..2 {
        test_db.retry(seller).await.unwrap();
        test_db.run_job().await;
    }
    let refunds = test_db.refunds(failed.id()).await;
    assert_eq!(
        refunds
            .iter()
            .map(|refund| (refund.status(), refund.state().quantity))
            .collect::<Vec<_>>(),
        [(RefundStatus::Failed, 2), (RefundStatus::Approved, 2)]
    );
    for order in [&paid, &sent_back, &open] {
        assert_eq!(test_db.refunds(order.id()).await.len(), 1);
    }
    test_db.consume(refund_paid(&failed, 6, 3998, &refunds[1])).await;
    assert_eq!(
        test_db.progress().await,
        WithdrawalProgress {
            refunded: 2,
            failed: 0,
            ..before
        }
    );
    test_db.close_and_check().await;
}

#[tokio::test]
async fn a_retry_during_a_withdrawal_follows_the_refund_of_the_last_sale() {
    let test_db = TestDb::with_tickets(200).await;
    let mut sold = Vec::new();
    for _ in 0..150 {
        sold.push(test_db.paid_order(1).await);
    }
    let (failed, last) = (&sold[0], &sold[149]);
    test_db.withdraw(2).await;
    assert!(test_db.run_job_once().await);
    let refund = test_db.refunds(failed.id()).await.remove(0);
    test_db.consume(refund_failed(failed, 5, 0, &refund)).await;
    for _ in 0..2 {
        test_db.retry(test_db.ticket.seller_id).await.unwrap();
    }
    assert!(test_db.run_job_once().await);
    assert_eq!(test_db.refunds(last.id()).await.len(), 1);
    assert_eq!(test_db.refunds(failed.id()).await.len(), 1);
    test_db.run_job().await;
    assert_eq!(test_db.refunds(failed.id()).await.len(), 2);
    test_db.close_and_check().await;
}

#[tokio::test]
async fn a_failed_refund_of_the_buyer_is_retried_beside_the_paid_one_of_the_withdrawal() {
    let test_db = TestDb::with_tickets(10).await;
    let order = test_db.paid_order(3).await;
    let requested = test_db.request_by_buyer(&order, Some(1)).await.unwrap();
    test_db.withdraw(2).await;
    test_db.run_job().await;
    let rest = test_db.refunds(order.id()).await.remove(1);
    test_db.consume(refund_paid(&order, 5, 3998, &rest)).await;
    test_db.consume(refund_failed(&order, 6, 3998, &requested)).await;
    for _ in 0..2 {
        test_db.retry(test_db.ticket.seller_id).await.unwrap();
        test_db.run_job().await;
    }
    let refunds = test_db.refunds(order.id()).await;
    assert_eq!(
        refunds
            .iter()
            .map(|refund| (refund.status(), refund.state().quantity))
            .collect::<Vec<_>>(),
        [
            (RefundStatus::Failed, 1),
            (RefundStatus::Paid, 2),
            (RefundStatus::Approved, 1)
        ]
    );
    test_db.close_and_check().await;
}

#[tokio::test]
async fn a_refund_that_fails_in_the_version_that_ends_the_dispute_is_retried() {
    let test_db = TestDb::with_tickets(10).await;
    let order = test_db.paid_order(3).await;
    let refund = test_db.request_by_seller(&order, Some(1)).await.unwrap();
    test_db.consume(disputed(&order, 5, DisputeStatus::Open)).await;
    test_db.withdraw(2).await;
    test_db.run_job().await;
    // The version in which the dispute was won is late.
    let failed = Event::PaymentRefundFailed(Reversal {
        dispute: Some(Dispute {
            status: DisputeStatus::Won,
            amount: order.total(),
        }),
        ..reversal(&order, 7, 0, Some((&refund, false)))
    });
    test_db.consume(failed).await;
    let retried = test_db.refunds(order.id()).await.remove(1);
    assert_eq!(retried.state().quantity, 3);
    test_db.close_and_check().await;
}
