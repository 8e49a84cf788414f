//! Refunds.

use events::{DisputeStatus, Event, examples::usd};
use serde_json::json;
use testkit::{Method, eventually};
use values::Timestamp;

use crate::test_app::{TestApp, ids_of_all_pages};

#[tokio::test]
async fn a_buyer_requests_the_seller_approves_and_the_tickets_are_sold_again() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(10).await;
    let seller = app.seller(&ticket);
    let sale = app.sell(&ticket, 3).await;
    let requested = sale
        .request_refund(&sale.buyer, json!({"quantity": 1, "reason": "My friend is ill."}))
        .await
        .expect(201);
    insta::assert_json_snapshot!(requested.stable_json(), @r#"
    {
      "id": "[id]",
      "orderId": "[id]",
      "ticketId": "[id]",
      "title": "The Lighthouse Keepers, live",
      "quantity": 1,
      "amount": {
        "amount": 1999,
        "currency": "usd"
      },
      "status": "requested",
      "askedBy": "buyer",
      "reason": "My friend is ill.",
      "createdAt": "[time]",
      "updatedAt": "[time]"
    }
    "#);
    let id = requested.text_at("/id");
    let metrics = app.anonymous().get("/metrics").await.expect(200).text;
    let line = r#"ticketing_refunds_open{service="order",status="requested"} 1"#;
    assert!(metrics.lines().any(|metric| metric == line), "{metrics}");

    let waiting = seller.get("/api/v1/orders/refunds?state=requested").await.expect(200);
    assert_eq!(waiting.json()["items"], json!([requested.json()]));
    let approved = sale.decide(&seller, &id, "approve").await.expect(200);
    assert_eq!(approved.text_at("/status"), "approved");
    let again = sale.decide(&seller, &id, "approve").await.expect(200);
    assert_eq!(again.text, approved.text);
    let refused = sale.decide(&seller, &id, "decline").await.expect(409);
    assert_eq!(refused.problem().0, "refund-decided");
    let waiting = seller.get("/api/v1/orders/refunds?state=requested").await.expect(200);
    assert_eq!(waiting.json()["items"], json!([]));

    let refund = app.wait_for_approved(|refund| refund.id.to_string() == id).await;
    assert_eq!((refund.quantity, refund.amount), (1, usd(1999)));
    assert_eq!(refund.payment_id, sale.payment.id);
    app.publish_outcome(&sale, &refund, 5, None).await;
    let order = sale.wait_for_status("partially_refunded").await;
    assert_eq!(order["refundedQuantity"], 1);
    assert_eq!(order["refundedAmount"], json!({"amount": 1999, "currency": "usd"}));
    let refunds = sale.buyer.get(&format!("{}/refunds", sale.path)).await.expect(200);
    insta::assert_json_snapshot!(refunds.stable_json(), @r#"
    {
      "items": [
        {
          "id": "[id]",
          "orderId": "[id]",
          "ticketId": "[id]",
          "title": "The Lighthouse Keepers, live",
          "quantity": 1,
          "amount": {
            "amount": 1999,
            "currency": "usd"
          },
          "status": "paid",
          "askedBy": "buyer",
          "reason": "My friend is ill.",
          "createdAt": "[time]",
          "updatedAt": "[time]"
        }
      ]
    }
    "#);
    let again = sale.decide(&seller, &id, "approve").await.expect(200);
    assert_eq!(again.text_at("/status"), "paid", "approving it again changes nothing");
    let refused = sale.decide(&seller, &id, "decline").await.expect(409);
    assert_eq!(refused.problem().0, "refund-decided");

    let rest = sale.request_refund(&seller, json!({})).await.expect(201);
    assert_eq!(
        (rest.text_at("/status"), rest.text_at("/quantity")),
        ("approved".to_owned(), "2".to_owned())
    );
    let rest_id = rest.text_at("/id");
    let rest = app.wait_for_approved(|refund| refund.id.to_string() == rest_id).await;
    app.publish_outcome(&sale, &rest, 6, None).await;
    let _ = sale.wait_for_status("refunded").await;
    let refused = sale.request_refund(&sale.buyer, json!({})).await.expect(409);
    assert_eq!(refused.problem().0, "nothing-to-refund");
    for (status, count) in [("refunded", 1), ("partially_refunded", 0), ("complete", 0)] {
        let list = sale
            .buyer
            .get(&format!("/api/v1/orders?status={status}"))
            .await
            .expect(200);
        assert_eq!(list.json()["items"].as_array().unwrap().len(), count, "{status}");
    }
    // All ten tickets are available again.
    let _ = app.sell(&ticket, 10).await;
    app.close_and_check().await;
}

#[tokio::test]
async fn a_guaranteed_refund_is_approved_at_once() {
    let app = TestApp::new().await;
    let mut ticket = app.create_listing(10).await;
    ticket.version = 2;
    ticket.refund_terms.refundable_until = Some(Timestamp::from_millis(app.env.now().millis() + 3_600_000));
    app.publish_listing(&ticket).await;
    // The events of one queue are applied in order.
    let sale = app.sell(&ticket, 1).await;
    let requested = sale.request_refund(&sale.buyer, json!({})).await.expect(201);
    assert_eq!(requested.text_at("/status"), "approved");
    app.close_and_check().await;
}

#[tokio::test]
async fn a_refund_is_accessible_to_its_buyer_and_seller_only() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(10).await;
    let seller = app.seller(&ticket);
    let sale = app.sell(&ticket, 2).await;
    let id = sale
        .request_refund(&sale.buyer, json!({"quantity": 1}))
        .await
        .expect(201)
        .text_at("/id");
    let list = format!("{}/refunds", sale.path);
    let withdrawal = format!("/api/v1/orders/withdrawals/{}", ticket.id);
    let (anonymous, other) = (app.anonymous(), app.user());

    let _ = sale.request_refund(&anonymous, json!({})).await.expect(401);
    let _ = anonymous.get(&list).await.expect(401);
    let _ = anonymous.get("/api/v1/orders/refunds").await.expect(401);
    let _ = anonymous.get(&withdrawal).await.expect(401);
    let _ = anonymous.post(&withdrawal, json!({})).await.expect(401);
    let _ = other.post(&withdrawal, json!({})).await.expect(404);
    let refused = seller.post(&withdrawal, json!({})).await.expect(409);
    assert_eq!(refused.problem().0, "ticket-not-withdrawn");
    for decision in ["approve", "decline"] {
        let _ = sale.decide(&anonymous, &id, decision).await.expect(401);
        let _ = sale.decide(&other, &id, decision).await.expect(404);
        assert_eq!(
            sale.decide(&sale.buyer, &id, decision).await.expect(403).problem().0,
            "forbidden"
        );
    }
    let _ = sale.request_refund(&other, json!({})).await.expect(404);
    let _ = other.get(&list).await.expect(404);
    let _ = other.get(&withdrawal).await.expect(404);
    for user in [&other, &sale.buyer] {
        let list = user.get("/api/v1/orders/refunds").await.expect(200);
        assert_eq!(list.json()["items"], json!([]), "only a seller has refunds to decide");
    }
    assert_eq!(seller.get(&list).await.expect(200).text_at("/items/0/id"), id);
    // A refund belongs to its order.
    let second = app.sell(&ticket, 1).await;
    let _ = second.decide(&seller, &id, "approve").await.expect(404);
    let declined = sale.decide(&seller, &id, "decline").await.expect(200);
    assert_eq!(declined.text_at("/status"), "declined");
    app.close_and_check().await;
}

#[tokio::test]
async fn an_invalid_field_or_parameter_is_named() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(10).await;
    let seller = app.seller(&ticket);
    let sale = app.sell(&ticket, 2).await;
    for (body, field) in [
        (json!({"quantity": 0}), "quantity"),
        (json!({"quantity": 3}), "quantity"),
        (json!({"quantity": -1}), "quantity"),
        (json!({"reason": "x".repeat(501)}), "reason"),
        (json!({"reason": "nul\u{0}"}), "reason"),
        (json!({"amount": 1}), "amount"),
    ] {
        let refused = sale.request_refund(&sale.buyer, body.clone()).await.expect(422);
        assert_eq!(refused.problem().1, field, "{body}");
    }
    for (path, field) in [
        ("/api/v1/orders/42/refunds", "id"),
        ("/api/v1/orders/refunds?state=lost", "state"),
        ("/api/v1/orders/refunds?limit=0", "limit"),
        ("/api/v1/orders/refunds?cursor=42", "cursor"),
        ("/api/v1/orders/withdrawals/42", "ticketId"),
    ] {
        assert_eq!(seller.get(path).await.expect(400).problem().1, field, "{path}");
    }
    let unpaid = app.place(&ticket, 1).await;
    let path = format!("{}/refunds", unpaid.path);
    let refused = unpaid.buyer.post(&path, json!({})).await.expect(409);
    assert_eq!(refused.problem().0, "order-not-paid");
    app.close_and_check().await;
}

#[tokio::test]
async fn a_repeated_request_adds_one_refund() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(10).await;
    let sale = app.sell(&ticket, 2).await;
    let buyer = sale.buyer.clone().with("idempotency-key", "k-1");
    let first = sale.request_refund(&buyer, json!({"quantity": 1})).await.expect(201);
    let again = sale.request_refund(&buyer, json!({"quantity": 1})).await.expect(201);
    assert_eq!(first.text, again.text);
    let path = format!("{}/refunds", sale.path);
    for same in [
        r#"{ "reason": null, "quantity": 1.0 }"#,
        r#"{"quantity":10e-1,"reason":"  \n"}"#,
    ] {
        let again = buyer.send(Method::POST, &path, Some(same.to_owned())).await.expect(201);
        assert_eq!(again.text, first.text, "{same}");
    }
    let _ = sale.request_refund(&buyer, json!({"quantity": 2})).await.expect(422);
    let refunds = sale.buyer.get(&format!("{}/refunds", sale.path)).await.expect(200);
    assert_eq!(refunds.json()["items"].as_array().unwrap().len(), 1);
    app.close_and_check().await;
}

#[tokio::test]
async fn a_sellers_refunds_are_paged_from_the_newest() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(10).await;
    let seller = app.seller(&ticket);
    let sale = app.sell(&ticket, 5).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(
            sale.request_refund(&sale.buyer, json!({"quantity": 1}))
                .await
                .expect(201)
                .text_at("/id"),
        );
    }
    ids.reverse();
    let listed = ids_of_all_pages(&seller, "/api/v1/orders/refunds", async || ()).await;
    assert_eq!(listed, ids);

    let list = "/api/v1/orders/refunds";
    let cursor = seller
        .get(&format!("{list}?limit=1&state=requested"))
        .await
        .text_at("/nextCursor");
    let _ = seller
        .get(&format!("{list}?state=requested&limit=3&cursor={cursor}"))
        .await
        .expect(200);
    for (client, path) in [
        (&seller, format!("{list}?cursor={cursor}")),
        (&seller, format!("{list}?state=paid&cursor={cursor}")),
        (&seller, format!("/api/v1/orders?cursor={cursor}")),
        (&sale.buyer, format!("{list}?state=requested&cursor={cursor}")),
    ] {
        let refused = client.get(&path).await.expect(400);
        assert_eq!(
            refused.problem(),
            ("malformed".to_owned(), "cursor".to_owned()),
            "{path}"
        );
    }
    app.close_and_check().await;
}

#[tokio::test]
async fn a_disputed_order_is_displayed_and_not_refunded() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(10).await;
    let sale = app.sell(&ticket, 1).await;
    let requested = sale.request_refund(&sale.buyer, json!({})).await.expect(201);
    app.publish_dispute(&sale, 5, DisputeStatus::Open).await;
    let wait_for_disputed = async |disputed: bool| {
        eventually("the order has changed", || async {
            let order = sale.buyer.get(&sale.path).await.expect(200).json();
            (order["disputed"] == disputed).then_some(order)
        })
        .await
    };
    assert_eq!(wait_for_disputed(true).await["status"], "complete");
    let refused = sale.request_refund(&sale.buyer, json!({})).await.expect(409);
    assert_eq!(refused.problem().0, "order-disputed");
    app.publish_dispute(&sale, 6, DisputeStatus::Lost).await;
    let order = wait_for_disputed(false).await;
    assert_eq!(order["refundedAmount"], json!({"amount": 1999, "currency": "usd"}));
    let seller = app.seller(&ticket);
    let refused = sale.decide(&seller, &requested.text_at("/id"), "approve").await;
    assert_eq!(refused.expect(409).problem().0, "nothing-to-refund");
    app.env
        .wait_for_event(|event| matches!(event, Event::OrderDisputed(_)))
        .await;
    app.close_and_check().await;
}
