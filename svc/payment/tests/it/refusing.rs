//! What is not paid, and why.

use std::time::Duration;

use events::{CancelReason, Event};
use poem::http::Method;
use serde_json::json;
use testkit::eventually;
use values::{OrderId, PaymentId};

use crate::till::{CAPTURE, CREATE, Till, pay};

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_charges_nobody_and_another_card_may_do() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    for (token, code) in [
        ("tok_chargeDeclined", "generic_decline"),
        ("tok_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("tok_chargeDeclinedExpiredCard", "expired_card"),
        // Whoever holds it is not told that it is known to be stolen.
        ("tok_chargeDeclinedStolenCard", "generic_decline"),
    ] {
        let reply = pay(&till.client(&buyer), order.id, token).await.expect(402);
        assert_eq!(reply.problem().0, "card-declined");
        assert_eq!(reply.text_at("/code"), code, "{token}");
        assert!(
            reply.text_at("/detail").ends_with("Nothing was charged."),
            "{}",
            reply.text
        );
    }
    assert_eq!(till.money().await, (0, 0));
    till.kit
        .wait_for_event(|event| matches!(event, Event::PaymentFailed(failed) if failed.order_id == order.id))
        .await;
    till.paid(&buyer, &order).await;
    assert_eq!(till.money().await, (0, 1999));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_stripe_does_not_know_is_named() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    for token in ["tok_nobodys", "pm_nobodys"] {
        let reply = pay(&till.client(&buyer), order.id, token).await.expect(422);
        assert_eq!(reply.problem(), ("invalid-fields".to_owned(), "token".to_owned()));
    }
    till.paid(&buyer, &order).await;
}

/// Wrong 3 of the seed: a complete order can be paid again.
#[tokio::test(flavor = "multi_thread")]
async fn a_complete_order_is_never_paid_again() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;
    let payment = till.paid(&buyer, &order).await;
    let again = async |kind: &str| {
        let reply = pay(&till.client(&buyer), order.id, "tok_visa").await.expect(409);
        assert_eq!(reply.problem().0, kind);
    };
    again("order-being-paid").await;
    till.confirm(&mut order, payment).await;
    till.settled(&buyer, payment, "captured").await;
    let reply = pay(&till.client(&buyer), order.id, "tok_visa").await.expect(409);
    assert_eq!(reply.problem().0, "order-being-paid");
    till.complete(&mut order).await;
    eventually("the order is known to be complete", || async {
        let reply = pay(&till.client(&buyer), order.id, "tok_visa").await.expect(409);
        (reply.problem().0 == "order-complete").then_some(())
    })
    .await;
    assert_eq!(
        (till.done(CREATE).await, till.done(CAPTURE).await, till.money().await),
        (1, 1, (1999, 0))
    );
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_ended_is_not_paid() {
    let till = Till::open().await;
    let buyer = till.buyer();
    for (reason, kind) in [
        (CancelReason::User, "order-cancelled"),
        (CancelReason::Expired, "order-expired"),
    ] {
        let mut order = till.order(&buyer).await;
        till.cancel(&mut order, reason).await;
        // The queue keeps the order of what one service says: once this is here, the two before it are.
        let marker = till.order(&buyer).await;
        till.paid(&buyer, &marker).await;
        let reply = pay(&till.client(&buyer), order.id, "tok_visa").await.expect(409);
        assert_eq!(reply.problem().0, kind);
    }
}

/// Wrong 12 of the seed: a payment that lands as the order expires.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_past_its_deadline_is_refused_before_stripe_is_asked() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.unheard_order(&buyer, 1999);
    order.expires_at = till.kit.now() - Duration::from_millis(1);
    till.kit.publish("order", Event::OrderCreated(order.clone())).await;
    let reply = pay(&till.client(&buyer), order.id, "tok_visa").await.expect(409);
    assert_eq!(reply.problem().0, "order-expired");
    assert_eq!(till.sim.requests().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ones_own_is_not_there() {
    let till = Till::open().await;
    let (buyer, other) = (till.buyer(), till.buyer());
    let order = till.order(&buyer).await;
    let payment = till.paid(&buyer, &order).await;

    let _ = pay(&till.client(&other), order.id, "tok_visa").await.expect(404);
    let _ = till
        .client(&other)
        .get(&format!("/api/v1/payments/{payment}"))
        .await
        .expect(404);
    let nowhere = PaymentId::new(till.kit.now());
    let _ = till
        .client(&buyer)
        .get(&format!("/api/v1/payments/{nowhere}"))
        .await
        .expect(404);
    let old = OrderId::new(till.kit.now() - Duration::from_hours(1));
    let _ = pay(&till.client(&buyer), old, "tok_visa").await.expect(404);
    assert_eq!(till.done(CREATE).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_gets_nothing() {
    let till = Till::open().await;
    let nobody = till.nobody();
    let (order, payment) = (OrderId::new(till.kit.now()), PaymentId::new(till.kit.now()));
    let body = json!({"orderId": order, "token": "tok_visa"}).to_string();
    for (method, path, body) in [
        (Method::POST, "/api/v1/payments".to_owned(), Some(body)),
        (Method::GET, "/api/v1/payments".to_owned(), None),
        (Method::GET, format!("/api/v1/payments/{payment}"), None),
    ] {
        let reply = nobody.send(method, &path, body).await.expect(401);
        assert_eq!(reply.problem().0, "unauthorized");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_told_by_field() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let client = till.client(&buyer);
    let order = OrderId::new(till.kit.now());
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
        let told = client
            .post("/api/v1/payments", body.clone())
            .await
            .expect(422)
            .problem();
        assert_eq!(told, ("invalid-fields".to_owned(), field.to_owned()), "{body}");
    }
    let _ = client.get("/api/v1/payments/42").await.expect(400);
    let _ = client.get("/api/v1/payments?orderId=42").await.expect(400);
    let _ = client.get("/api/v1/payments?cursor=42").await.expect(400);
    let _ = client.get("/api/v1/payments?limit=0").await.expect(400);
    assert_eq!(till.sim.requests().await.unwrap(), []);
}
