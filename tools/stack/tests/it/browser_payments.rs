//! Payments that are confirmed in the browser; the webhook arrives through the front door.

use serde_json::json;

use crate::{
    Client, eventually,
    stripe::{amount_charged_once, payment_intents},
    test_app::TestApp,
};

/// Returns the number of Stripe events that had an effect in the payment service.
async fn effective_stripe_events(app: &TestApp) -> u64 {
    let metrics = Client::new(app.service_url("payment"))
        .get("/metrics")
        .await
        .expect(200)
        .text;
    let noted = metrics
        .lines()
        .filter(|line| line.starts_with("ticketing_stripe_events_total{") && line.contains("effect=\"noted\""));
    noted
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

#[tokio::test]
async fn a_payment_authenticated_in_the_browser_completes_the_order() {
    let app = TestApp::new();
    let (seller, buyer) = (app.user().await, app.user().await);
    let ticket = seller.list_ticket(json!({"quantity": 2})).await;
    let order = buyer.hold_tickets(&ticket, 2).await;
    let payment = buyer.pay_with(json!({"orderId": order})).await.expect(201);
    assert_eq!(payment.text_at("/status"), "requires-payment-method");

    // The request of Stripe.js in the buyer's browser.
    let (secret, key) = (payment.text_at("/clientSecret"), payment.text_at("/publishableKey"));
    let intent = secret.split("_secret_").next().unwrap();
    let stripe = Client::new(app.stripe_url()).with("content-type", "application/x-www-form-urlencoded");
    let form = format!(
        "key={key}&client_secret={secret}&payment_method=pm_card_threeDSecureRequired&return_url=https://a.example/"
    );
    let path = format!("/v1/payment_intents/{intent}/confirm");
    let confirmed = stripe.send(reqwest::Method::POST, &path, Some(form)).await.expect(200);
    assert_eq!(confirmed.text_at("/status"), "requires_action");
    app.stripe_simulator().authenticate(intent, true).await.unwrap();

    buyer.wait_for_status(&order, "complete").await;
    seller.wait_for_stock(&ticket, 0, 2).await;
    assert_eq!(amount_charged_once(app.stripe_simulator(), &order).await, 3998);
    assert!(
        effective_stripe_events(&app).await >= 1,
        "no Stripe event had an effect"
    );
}

#[tokio::test]
async fn a_payment_abandoned_in_the_browser_is_cancelled_with_the_order() {
    let app = TestApp::shared();
    let (seller, buyer) = (app.user().await, app.user().await);
    let ticket = seller.list_ticket(json!({})).await;
    let order = buyer.hold_tickets(&ticket, 1).await;
    let payment = buyer.pay(&order, "tok_threeDSecure2Required").await.expect(201);
    assert_eq!(payment.text_at("/status"), "requires-action");
    let _ = buyer.cancel_order(&order).await.expect(204);
    eventually("the intent is cancelled", || async {
        let intents = payment_intents(app.stripe_simulator(), &order).await;
        (intents[0]["status"] == "canceled").then_some(())
    })
    .await;
    seller.wait_for_stock(&ticket, 0, 0).await;
}
