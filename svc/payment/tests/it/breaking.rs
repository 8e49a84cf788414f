//! Stripe is away: nobody waits for it in vain, and all is made up for when it is back.

use events::Event;

use crate::till::{CREATE, Till, pay};

async fn breaker(till: &Till) -> String {
    let metrics = till.nobody().get("/metrics").await.text;
    let line = metrics
        .lines()
        .find(|line| line.starts_with("ticketing_stripe_breaker_open"));
    line.unwrap().rsplit(' ').next().unwrap().to_owned()
}

/// How often Stripe was asked in vain.
async fn unanswered(till: &Till) -> u32 {
    let metrics = till.nobody().get("/metrics").await.text;
    let lines = metrics.lines().filter(|line| {
        line.starts_with("ticketing_stripe_request_seconds_count") && line.contains("outcome=\"unanswered\"")
    });
    lines
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u32>().unwrap())
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_stripe_is_away_it_is_hardly_asked_and_every_attempt_is_settled_after() {
    let mut till = Till::open().await;
    let buyer = till.buyer();
    assert_eq!(breaker(&till).await, "0");
    till.lose_stripe().await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        let order = till.order(&buyer).await;
        let _ = pay(&till.client(&buyer), order.id, "tok_visa").await.expect(503);
        orders.push(order);
    }
    assert_eq!(breaker(&till).await, "1");
    let before = unanswered(&till).await;
    for _ in 0..10 {
        let order = till.order(&buyer).await;
        let reply = pay(&till.client(&buyer), order.id, "tok_visa").await.expect(503);
        assert!(reply.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
        orders.push(order);
    }
    // Each would have asked three times; instead there was a probe now and then.
    let probes = unanswered(&till).await - before;
    assert!(probes < 10, "{probes}");

    till.find_stripe().await;
    for order in &orders {
        till.kit
            .wait_for_event(|event| matches!(event, Event::PaymentAuthorized(said) if said.order_id == order.id))
            .await;
    }
    assert_eq!(breaker(&till).await, "0");
    assert_eq!(till.done(CREATE).await, orders.len());
    till.check();
}
