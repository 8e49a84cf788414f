//! Stripe is unreachable: requests do not wait for it, and every attempt is settled when it is back.

use std::time::Duration;

use events::{Event, Order};
use stripe_sim::{Fault, Target, Timing};
use values::OrderId;

use crate::test_app::{CREATE, TestApp, pay, pay_in_browser};

async fn breaker(app: &TestApp) -> String {
    let metrics = app.anonymous().get("/metrics").await.text;
    let line = metrics
        .lines()
        .find(|line| line.starts_with("ticketing_stripe_breaker_open"));
    line.unwrap().rsplit(' ').next().unwrap().to_owned()
}

/// How many calls to Stripe had no answer.
async fn unanswered(app: &TestApp) -> u32 {
    let metrics = app.anonymous().get("/metrics").await.text;
    let lines = metrics.lines().filter(|line| {
        line.starts_with("ticketing_stripe_request_seconds_count") && line.contains("outcome=\"unanswered\"")
    });
    lines
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u32>().unwrap())
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_stripe_is_unreachable_it_is_rarely_called_and_every_attempt_is_settled_later() {
    let mut app = TestApp::new().await;
    let buyer = app.buyer();
    assert_eq!(breaker(&app).await, "0");
    app.disconnect_stripe().await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        let order = app.create_order(&buyer).await;
        let _ = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(503);
        orders.push(order);
    }
    assert_eq!(breaker(&app).await, "1");
    let before = unanswered(&app).await;
    for _ in 0..10 {
        let order = app.create_order(&buyer).await;
        let reply = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(503);
        assert!(reply.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
        orders.push(order);
    }
    // Without the circuit breaker each request would have made three calls.
    let probes = unanswered(&app).await - before;
    assert!(probes < 10, "{probes}");

    app.reconnect_stripe().await;
    for order in &orders {
        app.wait_for_authorized(order.id).await;
    }
    assert_eq!(breaker(&app).await, "0");
    assert_eq!(app.executed_posts(CREATE).await, orders.len());
    app.check_invariants();
}

async fn wait_for_pending(app: &TestApp, order: OrderId) {
    app.env
        .wait_for_event(|event| matches!(event, Event::PaymentPending(published) if published.order_id == order))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_stripe_does_not_answer_is_pending_for_its_order() {
    let mut app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    app.sim
        .inject(Target::post(CREATE).times(3), Timing::Before, Fault::Cut);
    let _ = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(503);
    wait_for_pending(&app, order.id).await;
    app.wait_for_authorized(order.id).await;

    // While the circuit breaker is open, no call is made.
    app.disconnect_stripe().await;
    while breaker(&app).await == "0" {
        let order = app.create_order(&buyer).await;
        let _ = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(503);
    }
    let order = app.create_order(&buyer).await;
    let _ = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(503);
    wait_for_pending(&app, order.id).await;
    app.reconnect_stripe().await;
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_may_outlast_the_deadline_is_pending_from_its_start() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let order = Order {
        expires_at: app.env.now() + Duration::from_secs(30),
        ..app.unpublished_order(&buyer, 1999)
    };
    app.env.publish("order", Event::OrderCreated(order.clone())).await;
    let held = app.sim.hold(Target::post(CREATE), Timing::Before);
    let client = app.client(&buyer);
    let pending = async {
        held.wait_for_request().await;
        wait_for_pending(&app, order.id).await;
        held.release();
    };
    let (reply, ()) = tokio::join!(pay(&client, order.id, "tok_visa"), pending);
    let _ = reply.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_requests_for_one_payment_leaves_room_for_another() {
    const REQUESTS: usize = 300;
    let mut app = TestApp::new().await;
    app.stripe_timeout = Duration::from_mins(1);
    app.restart().await;
    let buyer = app.buyer();
    let (order, other) = (app.create_order(&buyer).await, app.create_order(&buyer).await);
    let held = app.sim.hold(Target::post(CREATE), Timing::Before);
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..REQUESTS {
        let (client, order) = (app.client(&buyer), order.id);
        requests.spawn(async move { pay_in_browser(&client, order).await.expect(201) });
    }
    held.wait_for_request().await;
    testkit::eventually("all requests wait", || async {
        let metrics = app.anonymous().get("/metrics").await.text;
        let active = metrics
            .lines()
            .find_map(|line| line.strip_prefix(r#"http_server_active_requests{service="payment"} "#))?;
        (active.parse::<usize>().unwrap() >= REQUESTS).then_some(())
    })
    .await;
    let _ = pay(&app.client(&buyer), other.id, "tok_visa").await.expect(201);
    held.release();
    let _ = requests.join_all().await;
    assert_eq!(app.executed_posts(CREATE).await, 2);
    app.check_invariants();
}
