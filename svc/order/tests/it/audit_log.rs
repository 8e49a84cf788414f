//! The audit log of the service.

use order::Orders;
use serde_json::json;

use crate::test_app::TestApp;

#[tokio::test]
async fn decisions_on_refunds_are_recorded_with_their_author() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(10).await;
    let seller = app.seller(&ticket);
    let sale = app.sell(&ticket, 3).await;
    let request = async |by| {
        let requested = sale.request_refund(by, json!({"quantity": 1})).await.expect(201);
        requested.text_at("/id")
    };
    let (first, second) = (request(&sale.buyer).await, request(&sale.buyer).await);
    for _ in 0..2 {
        let _ = sale.decide(&seller, &first, "approve").await.expect(200);
        let _ = sale.decide(&seller, &second, "decline").await.expect(200);
    }
    let third = request(&seller).await;

    let (buyer, seller) = (sale.payment.buyer_id.to_string(), ticket.seller_id.to_string());
    let log = app.env.audit_log::<Orders>();
    let rows: Vec<_> = log
        .iter()
        .map(|row| {
            [
                Some(&row.action),
                row.actor.as_ref(),
                row.subject.as_ref(),
                Some(&row.result),
            ]
            .map(Option::unwrap)
        })
        .collect();
    assert_eq!(
        rows,
        [
            ["refund-request", &buyer, &first, "requested"],
            ["refund-request", &buyer, &second, "requested"],
            ["refund-approve", &seller, &first, "ok"],
            ["refund-decline", &seller, &second, "ok"],
            ["refund-request", &seller, &third, "approved"],
        ]
    );
    assert!(log.iter().all(|row| row.network.as_deref() == Some("127.0.0.1/32")));
    app.close_and_check().await;
}

#[tokio::test]
async fn refunds_of_a_withdrawal_are_recorded_as_the_services() {
    let app = TestApp::new().await;
    let mut ticket = app.create_listing(10).await;
    let sale = app.sell(&ticket, 1).await;
    ticket.version = 2;
    ticket.withdrawn_at = Some(app.env.now());
    app.publish_listing(&ticket).await;
    let refund = app.wait_for_approved(|_| true).await;
    let log = app.env.audit_log::<Orders>();
    assert_eq!(log.len(), 1, "{log:?}");
    assert_eq!(
        (&*log[0].action, log[0].actor.as_deref()),
        ("refund-request", Some("service:order"))
    );
    assert_eq!(log[0].subject, Some(refund.id.to_string()));
    drop(sale);
    app.close_and_check().await;
}

#[tokio::test]
async fn users_who_act_on_what_is_anothers_are_recorded_although_they_learn_nothing() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(10).await;
    let sale = app.sell(&ticket, 2).await;
    let refund = sale
        .request_refund(&sale.buyer, json!({"quantity": 1}))
        .await
        .expect(201);
    let refund = refund.text_at("/id");
    let (other_id, other) = app.user_with_id();
    let withdrawal = format!("/api/v1/orders/withdrawals/{}", ticket.id);
    let refunds = format!("{}/refunds", sale.path);
    for path in [&sale.path, &refunds, &withdrawal] {
        let _ = other.get(path).await.expect(404);
    }
    let _ = other.delete(&sale.path).await.expect(404);
    let _ = sale.request_refund(&other, json!({})).await.expect(404);
    let _ = sale.decide(&other, &refund, "approve").await.expect(404);
    let _ = sale.decide(&sale.buyer, &refund, "approve").await.expect(403);
    let _ = other.post(&withdrawal, json!({})).await.expect(404);
    // Neither exists.
    let missing = "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e";
    let _ = other.get(&format!("/api/v1/orders/{missing}")).await.expect(404);
    let _ = other
        .post(&format!("/api/v1/orders/withdrawals/{missing}"), json!({}))
        .await
        .expect(404);

    let log = app.stop_and_read_log().await;
    let denied = log.iter().filter(|row| row.action == "denied");
    let (by_other, by_buyer): (Vec<_>, Vec<_>) = denied.partition(|row| row.actor == Some(other_id.to_string()));
    let mut subjects: Vec<_> = by_other.iter().filter_map(|row| row.subject.clone()).collect();
    subjects.sort();
    let mut expected = [
        format!("GET {}", sale.path),
        format!("GET {refunds}"),
        format!("GET {withdrawal}"),
        format!("DELETE {}", sale.path),
        format!("POST {refunds}"),
        format!("POST {refunds}/{refund}/approve"),
        format!("POST {withdrawal}"),
    ];
    expected.sort();
    assert_eq!(subjects, expected);
    assert_eq!(by_buyer.len(), 1, "{by_buyer:?}");
    assert_eq!(by_buyer[0].result, "not-yours");
}
