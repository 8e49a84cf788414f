//! Requests to pay that are refused.

use std::time::Duration;

use events::{CancelReason, Event};
use poem::http::Method;
use serde_json::json;
use testkit::eventually;
use values::{OrderId, PaymentId};

use crate::test_app::{CAPTURE, CREATE, TestApp, pay};

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_is_not_charged_and_another_card_may_be_used() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    for (token, code) in [
        ("tok_chargeDeclined", "generic_decline"),
        ("tok_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("tok_chargeDeclinedExpiredCard", "expired_card"),
        // The reason would help a thief.
        ("tok_chargeDeclinedStolenCard", "generic_decline"),
    ] {
        let reply = pay(&app.client(&buyer), order.id, token).await.expect(402);
        assert_eq!(reply.problem().0, "card-declined");
        assert_eq!(reply.text_at("/code"), code, "{token}");
        assert!(
            reply.text_at("/detail").ends_with("Nothing was charged."),
            "{}",
            reply.text
        );
    }
    assert_eq!(app.money().await, (0, 0));
    app.env
        .wait_for_event(|event| matches!(event, Event::PaymentFailed(failed) if failed.order_id == order.id))
        .await;
    app.authorize(&buyer, &order).await;
    assert_eq!(app.money().await, (0, 1999));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_token_is_reported_by_field() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    for token in ["tok_nobodys", "pm_nobodys"] {
        let reply = pay(&app.client(&buyer), order.id, token).await.expect(422);
        assert_eq!(reply.problem(), ("invalid-fields".to_owned(), "token".to_owned()));
    }
    app.authorize(&buyer, &order).await;
}

/// Wrong 3 of the seed: a complete order can be paid again.
#[tokio::test(flavor = "multi_thread")]
async fn a_complete_order_is_never_paid_again() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.create_order(&buyer).await;
    let payment = app.authorize(&buyer, &order).await;
    let again = async |kind: &str| {
        let reply = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(409);
        assert_eq!(reply.problem().0, kind);
    };
    again("order-being-paid").await;
    app.confirm_order(&mut order, payment).await;
    app.wait_for_status(&buyer, payment, "captured").await;
    let reply = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(409);
    assert_eq!(reply.problem().0, "order-being-paid");
    app.complete_order(&mut order).await;
    eventually("the replica of the order is complete", || async {
        let reply = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(409);
        (reply.problem().0 == "order-complete").then_some(())
    })
    .await;
    assert_eq!(
        (
            app.executed_posts(CREATE).await,
            app.executed_posts(CAPTURE).await,
            app.money().await
        ),
        (1, 1, (1999, 0))
    );
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_ended_is_not_paid() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    for (reason, kind) in [
        (CancelReason::User, "order-cancelled"),
        (CancelReason::Expired, "order-expired"),
    ] {
        let mut order = app.create_order(&buyer).await;
        app.cancel_order(&mut order, reason).await;
        // Events of one service arrive in order: once this order is payable, the two events before it have arrived.
        let marker = app.create_order(&buyer).await;
        app.authorize(&buyer, &marker).await;
        let reply = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(409);
        assert_eq!(reply.problem().0, kind);
    }
}

/// Wrong 12 of the seed: a payment that lands as the order expires.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_past_its_deadline_is_refused_before_stripe_is_called() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.unpublished_order(&buyer, 1999);
    order.expires_at = app.env.now() - Duration::from_millis(1);
    app.env.publish("order", Event::OrderCreated(order.clone())).await;
    let reply = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(409);
    assert_eq!(reply.problem().0, "order-expired");
    assert_eq!(app.sim.requests().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_and_payments_of_others_are_not_found() {
    let app = TestApp::new().await;
    let (buyer, other) = (app.buyer(), app.buyer());
    let order = app.create_order(&buyer).await;
    let payment = app.authorize(&buyer, &order).await;

    let _ = pay(&app.client(&other), order.id, "tok_visa").await.expect(404);
    let _ = app
        .client(&other)
        .get(&format!("/api/v1/payments/{payment}"))
        .await
        .expect(404);
    let nowhere = PaymentId::new(app.env.now());
    let _ = app
        .client(&buyer)
        .get(&format!("/api/v1/payments/{nowhere}"))
        .await
        .expect(404);
    let old = OrderId::new(app.env.now() - Duration::from_hours(1));
    let _ = pay(&app.client(&buyer), old, "tok_visa").await.expect(404);
    assert_eq!(app.executed_posts(CREATE).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_needs_a_signed_in_user() {
    let app = TestApp::new().await;
    let client = app.anonymous();
    let (order, payment) = (OrderId::new(app.env.now()), PaymentId::new(app.env.now()));
    let body = json!({"orderId": order, "token": "tok_visa"}).to_string();
    for (method, path, body) in [
        (Method::POST, "/api/v1/payments".to_owned(), Some(body)),
        (Method::GET, "/api/v1/payments".to_owned(), None),
        (Method::GET, format!("/api/v1/payments/{payment}"), None),
    ] {
        let reply = client.send(method, &path, body).await.expect(401);
        assert_eq!(reply.problem().0, "unauthorized");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_input_is_reported_by_field() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let client = app.client(&buyer);
    let order = OrderId::new(app.env.now());
    for (body, field) in [
        (json!({"orderId": "42", "token": "tok_visa"}), "orderId"),
        (json!({"token": "tok_visa"}), "orderId"),
        (
            json!({"orderId": order, "returnUrl": "https://shop.example/"}),
            "returnUrl",
        ),
        (
            json!({"orderId": order, "token": "tok_visa", "returnUrl": "http://shop.example/"}),
            "returnUrl",
        ),
        (
            json!({"orderId": order, "token": "tok_visa", "returnUrl": "javascript:alert(1)"}),
            "returnUrl",
        ),
        (json!({"orderId": order, "token": "4242424242424242"}), "token"),
        (json!({"orderId": order, "token": 7}), "token"),
        (json!({"orderId": order, "token": "tok_visa", "amount": 1}), "amount"),
    ] {
        let problem = client
            .post("/api/v1/payments", body.clone())
            .await
            .expect(422)
            .problem();
        assert_eq!(problem, ("invalid-fields".to_owned(), field.to_owned()), "{body}");
    }
    let _ = client.get("/api/v1/payments/42").await.expect(400);
    let _ = client.get("/api/v1/payments?orderId=42").await.expect(400);
    let _ = client.get("/api/v1/payments?cursor=42").await.expect(400);
    let _ = client.get("/api/v1/payments?limit=0").await.expect(400);
    assert_eq!(app.sim.requests().await.unwrap(), []);
}
