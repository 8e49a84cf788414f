//! Orders.

use events::{Event, OrderStatus, Payment, PaymentStatus, Ticket};
use serde_json::json;
use testkit::{Method, eventually};
use values::{PaymentId, TicketId, UserId};

use crate::test_app::{TestApp, ids_of_all_pages, place, place_one};

#[tokio::test]
async fn an_order_holds_tickets_until_it_is_paid() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(5).await;
    let buyer = app.user();
    let placed = place(&buyer, ticket.id, 2).await.expect(201);
    let id = placed.text_at("/id");
    assert_eq!(placed.headers["location"], format!("/api/v1/orders/{id}"));
    insta::assert_json_snapshot!(placed.stable_json(), @r#"
    {
      "id": "[id]",
      "status": "created",
      "ticket": {
        "id": "[id]",
        "sellerId": "[id]",
        "title": "The Lighthouse Keepers, live",
        "price": {
          "amount": 1999,
          "currency": "usd"
        }
      },
      "quantity": 2,
      "total": {
        "amount": 3998,
        "currency": "usd"
      },
      "expiresAt": "[time]",
      "refundedQuantity": 0,
      "disputed": false,
      "createdAt": "[time]",
      "updatedAt": "[time]"
    }
    "#);
    let path = format!("/api/v1/orders/{id}");
    assert_eq!(buyer.get(&path).await.expect(200).json(), placed.json());

    let created = app
        .env
        .wait_for_event(|event| matches!(event, Event::OrderCreated(_)))
        .await;
    let created = created.as_order().unwrap();
    assert_eq!(
        (created.version, created.status, created.quantity),
        (1, OrderStatus::Created, 2)
    );
    let payment = Payment {
        id: PaymentId::new(app.env.now()),
        version: 2,
        status: PaymentStatus::Authorized,
        order_id: created.id,
        buyer_id: created.buyer_id,
        amount: created.total,
    };
    app.env
        .publish("payment", Event::PaymentAuthorized(payment.clone()))
        .await;
    app.env
        .wait_for_event(|event| matches!(event, Event::OrderConfirmed(order) if order.payment_id == Some(payment.id)))
        .await;
    assert_eq!(buyer.delete(&path).await.expect(409).problem().0, "order-being-paid");
    app.env
        .publish(
            "payment",
            Event::PaymentCreated(Payment {
                status: PaymentStatus::Captured,
                ..payment
            }),
        )
        .await;
    app.env
        .wait_for_event(|event| matches!(event, Event::OrderCompleted(_)))
        .await;
    assert_eq!(buyer.get(&path).await.text_at("/status"), "complete");
    assert_eq!(buyer.delete(&path).await.expect(409).problem().0, "order-complete");
}

#[tokio::test]
async fn a_cancelled_order_releases_its_tickets() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(1).await;
    let (first, second) = (app.user(), app.user());
    let id = place_one(&first, ticket.id).await.expect(201).text_at("/id");
    let refused = place_one(&second, ticket.id).await.expect(409);
    insta::assert_json_snapshot!(refused.stable_json(), @r#"
    {
      "type": "urn:ticketing:problem:sold-out",
      "title": "Not enough tickets are left",
      "status": 409,
      "detail": "No tickets are left."
    }
    "#);
    for _ in 0..2 {
        let _ = first.delete(&format!("/api/v1/orders/{id}")).await.expect(204);
    }
    let _ = place_one(&second, ticket.id).await.expect(201);
    let cancelled = app
        .env
        .wait_for_event(|event| matches!(event, Event::OrderCancelled(_)))
        .await;
    let cancelled = cancelled.as_order().unwrap();
    assert_eq!((cancelled.id.to_string(), cancelled.version), (id, 2));
}

#[tokio::test]
async fn a_repeated_request_gets_the_stored_response_also_after_a_restart() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(2).await;
    let token = app.env.token(UserId::new(app.env.now()));
    let buyer = app.anonymous().bearer(&token).with("idempotency-key", "k-1");
    let replies = futures_util::future::join_all((0..8).map(|_| place_one(&buyer, ticket.id))).await;
    let replies: Vec<_> = replies.into_iter().map(|reply| reply.expect(201)).collect();
    assert!(
        replies.iter().all(|reply| reply.text == replies[0].text),
        "eight concurrent requests place one order"
    );
    let id = ticket.id.to_string();
    for same in [
        format!(r#"{{"ticketId":"{id}","quantity":1}}"#),
        format!(r#" {{ "quantity" : 1.0, "ticketId" : "{}" }} "#, id.to_uppercase()),
        format!(r#"{{"quantity":0.1e1,"\u0074icketId":"{id}"}}"#),
    ] {
        let again = buyer
            .send(Method::POST, "/api/v1/orders", Some(same.clone()))
            .await
            .expect(201);
        assert_eq!(again.text, replies[0].text, "{same}");
    }
    let other = place(&buyer, ticket.id, 2).await.expect(422);
    assert_eq!(
        other.problem(),
        ("idempotency-key-reused".to_owned(), "Idempotency-Key".to_owned())
    );
    let app = app.restart().await;
    let buyer = app.anonymous().bearer(&token);
    let again = place_one(&buyer.clone().with("idempotency-key", "k-1"), ticket.id)
        .await
        .expect(201);
    assert_eq!(again.text, replies[0].text);
    assert_eq!(again.headers["location"], replies[0].headers["location"]);
    let list = buyer.get("/api/v1/orders").await.expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refused_request_can_be_repeated_with_its_key_when_the_reason_is_gone() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(2).await;
    let first = app.place(&ticket, 1).await;
    let late = app.user().with("idempotency-key", "k-1");
    for _ in 0..2 {
        let refused = place(&late, ticket.id, 2).await.expect(409);
        assert_eq!(refused.problem().0, "sold-out");
    }
    let _ = first.buyer.delete(&first.path).await.expect(204);
    let placed = place(&late, ticket.id, 2).await.expect(201);
    assert_eq!(place(&late, ticket.id, 2).await.expect(201).text, placed.text);
    app.close_and_check().await;
}

#[tokio::test]
async fn an_order_is_accessible_to_its_buyer_only() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(5).await;
    let id = place_one(&app.user(), ticket.id).await.expect(201).text_at("/id");
    let path = format!("/api/v1/orders/{id}");
    let (anonymous, other) = (app.anonymous(), app.user());
    let _ = place_one(&anonymous, ticket.id).await.expect(401);
    let _ = anonymous.get("/api/v1/orders").await.expect(401);
    let _ = anonymous.get(&path).await.expect(401);
    let _ = anonymous.delete(&path).await.expect(401);
    assert_eq!(other.get("/api/v1/orders").await.expect(200).json()["items"], json!([]));
    let hidden = other.get(&path).await.expect(404);
    let missing = other
        .get("/api/v1/orders/01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e")
        .await
        .expect(404);
    assert_eq!(hidden.problem(), missing.problem());
    let _ = other.delete(&path).await.expect(404);
    let seller = app.seller(&ticket);
    assert_eq!(
        place_one(&seller, ticket.id).await.expect(403).problem().0,
        "own-ticket"
    );
}

#[tokio::test]
async fn an_invalid_field_or_parameter_is_named() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(5).await;
    let buyer = app.user();
    for (body, field) in [
        (json!({}), "ticketId"),
        (json!({"ticketId": "42"}), "ticketId"),
        (json!({"ticketId": ticket.id, "quantity": 0}), "quantity"),
        (json!({"ticketId": ticket.id, "quantity": 11}), "quantity"),
        (json!({"ticketId": ticket.id, "quantity": -1}), "quantity"),
        (json!({"ticketId": ticket.id, "quantity": 1.5}), "quantity"),
        (json!({"ticketId": ticket.id, "count": 1}), "count"),
    ] {
        let refused = buyer.post("/api/v1/orders", body.clone()).await.expect(422);
        assert_eq!(refused.problem().1, field, "{body}");
    }
    let several = json!({"ticketId": "42", "quantity": 11, "count": 1});
    let refused = buyer.post("/api/v1/orders", several).await.expect(422);
    assert_eq!(refused.error_fields(), ["ticketId", "count", "quantity"], "all at once");
    for (path, field) in [
        ("/api/v1/orders/42", "id"),
        ("/api/v1/orders?status=lost", "status"),
        ("/api/v1/orders?limit=0", "limit"),
        ("/api/v1/orders?cursor=42", "cursor"),
    ] {
        assert_eq!(buyer.get(path).await.expect(400).problem().1, field, "{path}");
    }
    let _ = buyer
        .with("idempotency-key", "two words")
        .post("/api/v1/orders", json!({"ticketId": ticket.id}))
        .await
        .expect(400);
    let refused = app.user().send(Method::PATCH, "/api/v1/orders", None).await.expect(405);
    assert_eq!(refused.headers["allow"], "GET, HEAD, POST");
}

#[tokio::test]
async fn a_list_is_paged_from_the_newest_and_filtered_by_status() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(100).await;
    let buyer = app.user();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(place_one(&buyer, ticket.id).await.expect(201).text_at("/id"));
    }
    ids.reverse();
    // New orders do not shift the pages.
    let place_another = async || drop(place_one(&buyer, ticket.id).await.expect(201));
    let listed = ids_of_all_pages(&buyer, "/api/v1/orders", place_another).await;
    assert_eq!(listed, ids);
    let _ = buyer.delete(&format!("/api/v1/orders/{}", ids[0])).await.expect(204);
    let cancelled = buyer.get("/api/v1/orders?status=cancelled").await.expect(200).json();
    assert_eq!(cancelled["items"][0]["id"], ids[0].as_str());
    assert_eq!(cancelled["items"].as_array().unwrap().len(), 1);
    assert_eq!(cancelled["items"][0]["cancelReason"], "user");
}

#[tokio::test]
async fn an_order_of_a_new_listing_waits_for_its_event() {
    let app = TestApp::new().await;
    let ticket = Ticket {
        id: TicketId::new(app.env.now()),
        ..app.create_listing(1).await
    };
    let buyer = app.user();
    let (placed, ()) = tokio::join!(place_one(&buyer, ticket.id), async {
        eventually("the order waits", || async { Some(()) }).await;
        app.publish_listing(&ticket).await;
    });
    let _ = placed.expect(201);
}

#[tokio::test]
async fn metrics_count_the_tickets_and_contain_no_input_of_clients() {
    let app = TestApp::new().await;
    let ticket = app.create_listing(5).await;
    let buyer = app.user();
    let placed = place(&buyer, ticket.id, 2).await.expect(201);
    let id = placed.text_at("/id");
    let _ = buyer.get(&format!("/api/v1/orders/{id}")).await.expect(200);
    let _ = buyer.get("/api/v1/orders/nonsense?token=hidden").await.expect(400);
    let _ = buyer.get("/no/such/path").await.expect(404);
    let metrics = buyer.get("/metrics").await.expect(200);
    assert_eq!(
        metrics.headers["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    for line in [
        r#"ticketing_orders{service="order",status="created",reason=""} 1"#,
        r#"ticketing_order_tickets{service="order",status="created",reason=""} 2"#,
        r#"ticketing_messages_total{service="order",queue="events",outcome="applied"} 1"#,
        r#"http_server_request_duration_seconds_count{service="order",http_request_method="POST",http_route="/api/v1/orders",http_response_status_code="201"} 1"#,
        r#"http_server_request_duration_seconds_count{service="order",http_request_method="GET",http_route="/api/v1/orders/{id}",http_response_status_code="200"} 1"#,
        r#"http_server_request_duration_seconds_count{service="order",http_request_method="GET",http_route="/api/v1/orders/{id}",http_response_status_code="400"} 1"#,
        r#"http_server_request_duration_seconds_count{service="order",http_request_method="GET",http_route="other",http_response_status_code="404"} 1"#,
        r#"ticketing_broker_connected{service="order"} 1"#,
        r#"ticketing_db_writable{service="order"} 1"#,
    ] {
        assert!(
            metrics.text.lines().any(|metric| metric == line),
            "{line} is not in\n{}",
            metrics.text
        );
    }
    for input in [id.as_str(), "nonsense", "hidden", "/no/such"] {
        assert!(!metrics.text.contains(input), "{input} is in\n{}", metrics.text);
    }
}
