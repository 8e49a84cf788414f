//! Paying as people do, with the webhook coming in by the front door.

use serde_json::json;

use crate::{
    Client, eventually,
    town::Town,
    wrongs::{charged_once, intents},
};

/// How often Stripe has told of something that was worth a look.
async fn told(town: &Town) -> u64 {
    let metrics = Client::new(town.service_url("payment"))
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
async fn who_pays_in_a_browser_and_is_asked_by_the_bank_has_the_tickets() {
    let town = Town::new();
    let (ada, bert) = (town.user().await, town.user().await);
    let ticket = ada.lists(json!({"quantity": 2})).await;
    let order = bert.holds(&ticket, 2).await;
    let begun = eventually("the order is known to payment", || async {
        let reply = bert.client().post("/api/v1/payments", json!({"orderId": order})).await;
        (reply.status != 404).then_some(reply)
    })
    .await
    .expect(201);
    assert_eq!(begun.text_at("/status"), "requires-payment-method");

    // What Stripe.js does in the buyer's browser.
    let (secret, key) = (begun.text_at("/clientSecret"), begun.text_at("/publishableKey"));
    let intent = secret.split("_secret_").next().unwrap();
    let stripe = Client::new(town.double_url()).with("content-type", "application/x-www-form-urlencoded");
    let form = format!(
        "key={key}&client_secret={secret}&payment_method=pm_card_threeDSecureRequired&return_url=https://shop.example/paid"
    );
    let path = format!("/v1/payment_intents/{intent}/confirm");
    let asked = stripe.send(reqwest::Method::POST, &path, Some(form)).await.expect(200);
    assert_eq!(asked.text_at("/status"), "requires_action");
    town.stripe_simulator().authenticate(intent, true).await.unwrap();

    bert.sees(&order, "complete").await;
    ada.counts(&ticket, 0, 2).await;
    assert_eq!(charged_once(town.stripe_simulator(), &order).await, 3998);
    assert!(told(&town).await >= 1, "Stripe has told of it");
}

#[tokio::test]
async fn who_closes_the_browser_costs_nobody_anything() {
    let town = Town::shared();
    let (ada, bert) = (town.user().await, town.user().await);
    let ticket = ada.lists(json!({})).await;
    let order = bert.holds(&ticket, 1).await;
    let asked = bert.pays(&order, "tok_threeDSecure2Required").await.expect(201);
    assert_eq!(asked.text_at("/status"), "requires-action");
    let _ = bert.cancels(&order).await.expect(204);
    eventually("the intent is cancelled", || async {
        let intents = intents(town.stripe_simulator(), &order).await;
        (intents[0]["status"] == "canceled").then_some(())
    })
    .await;
    ada.counts(&ticket, 0, 0).await;
}
