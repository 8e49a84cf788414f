//! Webhooks that are lost, duplicated, delayed or reordered on demand.

use std::time::Duration;

use reqwest::Method;
use stripe_sim::WebhookFault;

use crate::{
    client::{KEY, Stripe, any_port, send},
    webhooks::{next, receiver},
};

#[tokio::test]
async fn events_are_delivered_in_another_order_on_demand() {
    let (url, mut received) = receiver(any_port(), 0).await;
    let stripe = Stripe::start().await;
    let pairs = [("url", url.as_str()), ("enabled_events[]", "*")];
    stripe.post("/v1/webhook_endpoints", &pairs).await.ok();
    stripe
        .post("/_sim/webhooks", &[("do", "hold"), ("times", "3")])
        .await
        .ok();
    stripe.authorise("1000").await;
    let held = async {
        while stripe.sim.held_events().len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), held).await.unwrap();
    let held = stripe.get("/_sim/webhooks").await.ok();
    assert_eq!(held["held"].as_array().unwrap().len(), 3);
    stripe
        .post("/_sim/webhooks/release", &[("order", "reversed")])
        .await
        .ok();
    let mut types = Vec::new();
    for _ in 0..3 {
        types.push(next(&mut received).await.1["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        types,
        [
            "payment_intent.amount_capturable_updated",
            "charge.succeeded",
            "payment_intent.created"
        ]
    );
}

#[tokio::test]
async fn an_event_is_lost_duplicated_or_delayed_on_demand() {
    let (url, mut received) = receiver(any_port(), 0).await;
    let stripe = Stripe::start().await;
    let pairs = [("url", url.as_str()), ("enabled_events[]", "payment_intent.created")];
    stripe.post("/v1/webhook_endpoints", &pairs).await.ok();
    let create = || stripe.post("/v1/payment_intents", &[("amount", "500"), ("currency", "usd")]);

    stripe
        .sim
        .inject_webhook_fault("payment_intent.created", 1, WebhookFault::Drop);
    create().await.ok();
    stripe
        .sim
        .inject_webhook_fault("payment_intent.created", 1, WebhookFault::Duplicate);
    let twice = create().await.ok();
    let (first, second) = (next(&mut received).await.1, next(&mut received).await.1);
    assert_eq!(first["data"]["object"]["id"], twice["id"], "the first event was lost");
    assert_eq!(first["id"], second["id"]);

    let late = [("do", "delay"), ("delay_ms", "60000")];
    stripe.post("/_sim/webhooks", &late).await.ok();
    create().await.ok();
    let on_time = create().await.ok();
    assert_eq!(next(&mut received).await.1["data"]["object"]["id"], on_time["id"]);
    send(stripe.request(Method::DELETE, "/_sim/webhooks").bearer_auth(KEY))
        .await
        .ok();
    assert!(received.try_recv().is_err(), "the delayed event is still delayed");
}
