//! Stripe is away: nobody waits for it in vain, and all is made up for when it is back.

use std::time::{Duration, Instant};

use events::Event;

use crate::till::{CREATE, Till, pay};

async fn breaker(till: &Till) -> String {
    let metrics = till.nobody().get("/metrics").await.text;
    let line = metrics
        .lines()
        .find(|line| line.starts_with("ticketing_stripe_breaker_open"));
    line.unwrap().rsplit(' ').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_stripe_is_away_the_answer_comes_at_once_and_every_attempt_is_settled_after() {
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
    for _ in 0..10 {
        let order = till.order(&buyer).await;
        let began = Instant::now();
        let reply = pay(&till.client(&buyer), order.id, "tok_visa").await.expect(503);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert!(reply.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
        orders.push(order);
    }

    till.find_stripe().await;
    let back = Instant::now();
    for order in &orders {
        till.kit
            .heard(|event| matches!(event, Event::PaymentAuthorized(said) if said.order_id == order.id))
            .await;
    }
    assert!(back.elapsed() < Duration::from_mins(1), "{:?}", back.elapsed());
    println!(
        "settled {} payments {:?} after Stripe was back",
        orders.len(),
        back.elapsed()
    );
    assert_eq!(breaker(&till).await, "0");
    assert_eq!(till.done(CREATE).await, orders.len());
    till.check();
}
