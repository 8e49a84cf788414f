//! Withdrawals of listings with sales.

use events::{Event, OrderStatus};
use serde_json::json;
use testkit::eventually;

use crate::test_app::TestApp;

#[tokio::test]
async fn a_withdrawal_refunds_every_sale_also_after_a_restart() {
    let app = TestApp::new().await;
    let mut ticket = app.create_listing(10).await;
    let sales = [
        app.sell(&ticket, 2).await,
        app.sell(&ticket, 1).await,
        app.sell(&ticket, 3).await,
    ];
    let path = format!("/api/v1/orders/withdrawals/{}", ticket.id);
    let before = app.seller(&ticket).get(&path).await.expect(200).json();
    assert_eq!((&before["withdrawnAt"], &before["pending"]), (&json!(null), &json!(3)));
    ticket.version = 2;
    ticket.withdrawn_at = Some(app.env.now());
    app.publish_listing(&ticket).await;
    let app = app.restart().await;
    let seller = app.seller(&ticket);

    for (sale, failure) in sales.iter().zip([None, None, Some("The account is closed.")]) {
        let refund = app
            .wait_for_approved(|refund| refund.order_id == sale.payment.order_id)
            .await;
        assert_eq!(refund.amount, sale.payment.amount);
        app.publish_outcome(sale, &refund, 5, failure).await;
    }
    let progress = eventually("no refund is pending", || async {
        let progress = seller.get(&path).await.expect(200).json();
        (progress["pending"] == 0).then_some(progress)
    })
    .await;
    assert_eq!(
        (&progress["orders"], &progress["refunded"], &progress["failed"]),
        (&json!(3), &json!(2), &json!(1))
    );
    let approved = |event: &Event| matches!(event, Event::RefundApproved(_));
    let approvals = app.env.published_events().into_iter().filter(approved).count();
    assert_eq!(approvals, 3, "one refund of each sale");

    // The seller retries the failed refund.
    let retried = seller.post(&path, json!({})).await.expect(200).json();
    assert_eq!((&retried["orders"], &retried["refunded"]), (&json!(3), &json!(2)));
    let failed = &sales[2];
    let retry = eventually("the refund is retried", || async {
        app.env
            .published_events()
            .into_iter()
            .filter_map(|event| match event {
                Event::RefundApproved(refund) if refund.order_id == failed.payment.order_id => Some(refund),
                _ => None,
            })
            .nth(1)
    })
    .await;
    app.publish_outcome(failed, &retry, 6, None).await;
    eventually("every sale is refunded", || async {
        let progress = seller.get(&path).await.expect(200).json();
        (progress["refunded"] == 3 && progress["failed"] == 0).then_some(())
    })
    .await;
    app.close_and_check().await;
}

#[tokio::test]
async fn a_withdrawal_that_the_previous_release_has_closed_still_cancels_the_open_orders() {
    let app = TestApp::new().await;
    let [withdrawn, on_sale] = [app.create_listing(10).await, app.create_listing(10).await];
    let sale = app.sell(&withdrawn, 1).await;
    let (open, other) = (app.place(&withdrawn, 2).await, app.place(&on_sale, 1).await);
    // This release stores the withdrawal; the previous one refunds the sales and closes it.
    let (id, at) = (withdrawn.id, app.env.now());
    let app = app
        .restart_after(|conn| {
            conn.execute(
                "UPDATE listing SET version = 2, withdrawn_at = ?2 WHERE id = ?1",
                (id, at),
            )
            .unwrap();
            conn.execute(
                "INSERT INTO withdrawal (ticket_id, after, done) VALUES (?1, ?2, 1)",
                (id, sale.payment.order_id),
            )
            .unwrap();
        })
        .await;
    let cancelled = app
        .env
        .wait_for_event(|event| matches!(event, Event::OrderCancelled(order) if order.id == open.id))
        .await;
    let Event::OrderCancelled(order) = cancelled else {
        unreachable!("it is cancelled");
    };
    assert_eq!(order.status, OrderStatus::Cancelled);
    let client = app.anonymous().bearer(&app.env.token(other.buyer_id));
    assert_eq!(client.get(&other.path).await.expect(200).text_at("/status"), "created");
    app.close_and_check().await;
}
