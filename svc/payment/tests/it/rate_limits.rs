//! Stripe limits the rate of requests: payments wait for their turn, and nobody else does.

use stripe_sim::{Fault, Target, Timing};
use testkit::eventually;

use crate::test_app::{CREATE, TestApp, pay};

fn breaker_metric(metrics: &str) -> &str {
    let line = metrics
        .lines()
        .find(|line| line.starts_with("ticketing_stripe_breaker_open"));
    line.unwrap().rsplit(' ').next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_postpones_payments_without_opening_the_circuit_breaker() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    for fault in [Fault::Answer(429), Fault::LockTimeout] {
        app.sim.inject(Target::post(CREATE).times(100), Timing::Before, fault);
        let mut refused = Vec::new();
        for number in 0..8 {
            let order = app.create_order(&buyer).await;
            let client = app
                .client(&buyer)
                .with("idempotency-key", format!("{}-{number}", order.id));
            let reply = pay(&client, order.id, "tok_visa").await.expect(503);
            let wait = reply.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
            refused.push((client, order));
        }
        let metrics = app.anonymous().get("/metrics").await.text;
        assert_eq!(breaker_metric(&metrics), "0");
        app.sim.clear_faults();
        // Others do not wait.
        let order = app.create_order(&buyer).await;
        app.authorize(&buyer, &order).await;
        for (client, order) in refused {
            let paid = eventually("the request that is repeated with its key is answered", || async {
                let reply = pay(&client, order.id, "tok_visa").await;
                (reply.status.as_u16() == 201).then_some(reply)
            })
            .await;
            assert_eq!(paid.text_at("/status"), "authorized");
        }
    }
    assert_eq!(app.executed_posts(CREATE).await, 18);
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_does_not_repeat_a_call_that_stripe_refused_for_its_rate() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    app.sim
        .inject(Target::post(CREATE).times(100), Timing::Before, Fault::Answer(429));
    let order = app.create_order(&buyer).await;
    let client = app.client(&buyer).with("idempotency-key", "one");
    for _ in 0..20 {
        let _ = pay(&client, order.id, "tok_visa").await.expect(503);
    }
    let requests = app.sim.requests().await.unwrap();
    let calls = requests.iter().filter(|request| request.method == "POST").count();
    // The delays double: a second, two, four.
    assert!(calls <= 6, "{calls}");
    app.sim.clear_faults();
    let payment = app
        .env
        .wait_for_event(|event| matches!(event, events::Event::PaymentAuthorized(_)));
    payment.await;
    assert_eq!(app.executed_posts(CREATE).await, 1);
}
