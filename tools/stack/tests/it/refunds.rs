//! Refunds: the money at Stripe, the tickets on sale again.

use serde_json::{Value, json};

use crate::{
    Client,
    stripe::{amount_charged_once, payment_intents},
    test_app::TestApp,
    user::User,
};

/// Returns the sum of the succeeded refunds of an order at Stripe.
async fn refunded_amount(app: &TestApp, order: &str) -> i64 {
    let intent = payment_intents(app.stripe_simulator(), order).await.remove(0);
    let path = format!("/v1/refunds?payment_intent={}", intent["id"].as_str().unwrap());
    let stripe = Client::new(app.stripe_url()).bearer("sk_test_ticketing");
    let refunds = stripe.get(&path).await.expect(200).json();
    let refunds = refunds["data"].as_array().unwrap().iter();
    refunds
        .filter(|refund| refund["status"] == "succeeded")
        .map(|refund| refund["amount"].as_i64().unwrap())
        .sum()
}

async fn request_refund(user: &User, order: &str, body: Value) -> Value {
    let path = format!("/api/v1/orders/{order}/refunds");
    user.client().post(&path, body).await.expect(201).json()
}

async fn buy_tickets(app: &TestApp, ticket: &str, quantity: u32) -> (User, String) {
    let buyer = app.user().await;
    let order = buyer.hold_tickets(ticket, quantity).await;
    buyer.buy(&order).await;
    (buyer, order)
}

#[tokio::test]
async fn refunded_tickets_are_paid_back_and_on_sale_again() {
    let app = TestApp::shared();
    let seller = app.user().await;
    let ticket = seller.list_ticket(json!({"quantity": 3})).await;
    let (buyer, order) = buy_tickets(&app, &ticket, 3).await;
    let refund = request_refund(&buyer, &order, json!({"quantity": 1})).await;
    assert_eq!(refund["status"], "requested");
    assert_eq!(refunded_amount(&app, &order).await, 0, "the seller has not decided");

    let path = format!(
        "/api/v1/orders/{order}/refunds/{}/approve",
        refund["id"].as_str().unwrap()
    );
    let _ = seller.client().post(&path, json!({})).await.expect(200);
    let shown = buyer.wait_for_status(&order, "partially_refunded").await;
    assert_eq!(shown["refundedAmount"], json!({"amount": 1999, "currency": "usd"}));
    assert_eq!(refunded_amount(&app, &order).await, 1999);
    seller.wait_for_stock(&ticket, 0, 2).await;
    let (_, resold) = buy_tickets(&app, &ticket, 1).await;
    assert_eq!(amount_charged_once(app.stripe_simulator(), &resold).await, 1999);

    assert_eq!(request_refund(&seller, &order, json!({})).await["status"], "approved");
    buyer.wait_for_status(&order, "refunded").await;
    assert_eq!(refunded_amount(&app, &order).await, 5997);
    seller.wait_for_stock(&ticket, 0, 1).await;
}

#[tokio::test]
async fn a_withdrawn_listing_refunds_every_order_also_across_a_restart() {
    let mut app = TestApp::new();
    let seller = app.user().await;
    let ticket = seller.list_ticket(json!({"quantity": 10})).await;
    let sales = [
        buy_tickets(&app, &ticket, 1).await,
        buy_tickets(&app, &ticket, 3).await,
        buy_tickets(&app, &ticket, 2).await,
    ];
    let late_buyer = app.user().await;
    let open_order = late_buyer.hold_tickets(&ticket, 1).await;
    let _ = seller.withdraw_ticket(&ticket).await.expect(204);
    app.restart();
    let url = app.url();
    for ((buyer, order), amount) in sales.iter().zip([1999, 5997, 3998]) {
        buyer.with_url(&url).wait_for_status(order, "refunded").await;
        assert_eq!(refunded_amount(&app, order).await, amount);
    }
    late_buyer
        .with_url(&url)
        .wait_for_status(&open_order, "cancelled")
        .await;
    let progress = [
        ("/orders", json!(3)),
        ("/refunded", json!(3)),
        ("/pending", json!(0)),
        ("/failed", json!(0)),
    ];
    seller
        .with_url(&url)
        .wait_for(&format!("/api/v1/orders/withdrawals/{ticket}"), &progress)
        .await;
}

#[tokio::test]
async fn a_disputed_order_is_frozen_until_the_bank_has_decided() {
    let app = TestApp::shared();
    let seller = app.user().await;
    let ticket = seller.list_ticket(json!({"quantity": 1})).await;
    let (buyer, order) = buy_tickets(&app, &ticket, 1).await;
    let path = format!("/api/v1/orders/{order}");
    let intent = payment_intents(app.stripe_simulator(), &order).await.remove(0);
    let charge = intent["latest_charge"].as_str().unwrap();
    let dispute = app
        .stripe_simulator()
        .open_dispute(charge, "fraudulent", false)
        .await
        .unwrap();
    buyer.wait_for(&path, &[("/disputed", json!(true))]).await;
    let refused = seller
        .client()
        .post(&format!("{path}/refunds"), json!({}))
        .await
        .expect(409);
    assert_eq!(refused.problem().0, "order-disputed");

    let dispute = dispute["id"].as_str().unwrap();
    app.stripe_simulator().decide_dispute(dispute, true).await.unwrap();
    buyer.wait_for(&path, &[("/disputed", json!(false))]).await;
    assert_eq!(request_refund(&seller, &order, json!({})).await["status"], "approved");
    buyer.wait_for_status(&order, "refunded").await;
    assert_eq!(refunded_amount(&app, &order).await, 1999);
}
