//! Crashes, outages and failed writes.

use std::time::Duration;

use events::Event;
use poem::http::Method;
use rusqlite::Connection;
use stripe_sim::{Fault, Target, Timing};
use testkit::Client;
use values::{Clock, OrderId};

use crate::test_app::{CAPTURE, CREATE, TestApp, pay};

#[tokio::test(flavor = "multi_thread")]
async fn without_stripe_a_payment_waits_and_is_settled_later() {
    let mut app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    app.disconnect_stripe().await;
    let client = app.client(&buyer).with("idempotency-key", "later");
    let reply = pay(&client, order.id, "tok_visa").await.expect(503);
    assert_eq!(reply.problem().0, "unavailable");
    assert!(reply.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
    let second = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(409);
    assert_eq!(second.problem().0, "order-being-paid", "the attempt stays");

    app.reconnect_stripe().await;
    let published = app
        .env
        .wait_for_event(|event| matches!(event, Event::PaymentAuthorized(_)))
        .await;
    let Event::PaymentAuthorized(published) = published else {
        unreachable!()
    };
    let reply = pay(&client, order.id, "tok_visa").await.expect(201);
    assert_eq!(reply.text_at("/id"), published.id.to_string());
    assert_eq!((app.executed_posts(CREATE).await, app.money().await), (1, (0, 1999)));
    app.check_invariants();
}

/// Wrong 7 of the seed: the charge succeeds, then saving fails, and the buyer is charged and problem that it failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_stripe_has_executed_the_request_charges_once() {
    let mut app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.create_order(&buyer).await;

    let held = app.sim.hold(Target::post(CREATE).times(3), Timing::After);
    let client = app.client(&buyer).with("idempotency-key", "crash");
    let (reply, ()) = tokio::join!(pay(&client, order.id, "tok_visa"), async {
        held.wait_for_request().await;
        app.stop().await;
    });
    assert_eq!(
        reply.status.as_u16(),
        503,
        "the buyer does not get a failure: {}",
        reply.text
    );
    assert_eq!(app.money().await, (0, 1999), "Stripe has executed the request");
    held.cut();
    app.sim.clear_faults();

    app.start().await;
    let client = app.client(&buyer).with("idempotency-key", "crash");
    let reply = pay(&client, order.id, "tok_visa").await.expect(201);
    let payment = reply.text_at("/id").parse().unwrap();
    assert_eq!((app.executed_posts(CREATE).await, app.money().await), (1, (0, 1999)));

    let held = app.sim.hold(Target::post(CAPTURE), Timing::After);
    app.confirm_order(&mut order, payment).await;
    held.wait_for_request().await;
    app.stop().await;
    held.cut();
    app.start().await;
    app.env
        .wait_for_event(|event| matches!(event, Event::PaymentCreated(published) if published.id == payment))
        .await;
    assert_eq!((app.executed_posts(CAPTURE).await, app.money().await), (1, (1999, 0)));
    app.check_invariants();
}

/// Wrong 7 of the seed, with a disk that refuses rather than a process that dies.
#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_could_not_be_stored_is_requested_again_and_charged_once() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    let held = app.sim.hold(Target::post(CREATE), Timing::After);
    let client = app.client(&buyer).with("idempotency-key", "locked");
    let (reply, ()) = tokio::join!(pay(&client, order.id, "tok_visa"), async {
        held.wait_for_request().await;
        // Blocks writes for longer than the writer waits.
        let other = Connection::open(app.env.database::<payment::Payments>()).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        held.release();
        let failing = app.anonymous();
        testkit::eventually("saving fails", || async {
            let ready = failing.get("/health/ready").await;
            (ready.status.as_u16() == 503).then_some(())
        })
        .await;
        other.execute_batch("ROLLBACK").unwrap();
    });
    assert!([201, 503].contains(&reply.status.as_u16()), "{}", reply.text);
    app.env
        .wait_for_event(|event| matches!(event, Event::PaymentAuthorized(_)))
        .await;
    let _ = pay(&client, order.id, "tok_visa").await.expect(201);
    assert_eq!((app.executed_posts(CREATE).await, app.money().await), (1, (0, 1999)));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_stripe_does_not_block_the_request() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    let held = app.sim.hold(Target::post(CREATE), Timing::After);
    let client = app.client(&buyer);
    // The response to the first attempt is held until the end. The second gets the response to the same key.
    let reply = pay(&client, order.id, "tok_visa").await;
    assert!([201, 503].contains(&reply.status.as_u16()), "{}", reply.text);
    app.env
        .wait_for_event(|event| matches!(event, Event::PaymentAuthorized(_)))
        .await;
    assert_eq!((app.executed_posts(CREATE).await, app.money().await), (1, (0, 1999)));
    drop(held);
}

/// Pays an order while every connection about its new intent is cut, before or after Stripe has created it.
async fn pay_while_cut_off(app: &TestApp, client: &Client, order: OrderId, when: Timing) {
    app.sim.inject(Target::post(CREATE).times(99), when, Fault::Cut);
    let _ = pay(client, order, "tok_visa").await.expect(503);
    app.sim.clear_faults();
}

/// With an expired key, a repeated request would authorise the money twice.
#[tokio::test(flavor = "multi_thread")]
async fn an_intent_with_an_expired_key_is_searched() {
    let clock = Clock::manual(Clock::system().now());
    let mut app = TestApp::with_clock(clock.clone()).await;
    let buyer = app.buyer();
    let (done, never) = (app.create_order(&buyer).await, app.create_order(&buyer).await);
    pay_while_cut_off(&app, &app.client(&buyer), done.id, Timing::After).await;
    pay_while_cut_off(&app, &app.client(&buyer), never.id, Timing::Before).await;
    assert_eq!((app.executed_posts(CREATE).await, app.money().await), (1, (0, 1999)));

    app.stop().await;
    clock.advance(Duration::from_hours(25));
    app.start().await;
    app.wait_for_authorized(done.id).await;
    app.env
        .wait_for_event(|event| matches!(event, Event::PaymentFailed(failed) if failed.order_id == never.id))
        .await;
    assert_eq!(
        (app.executed_posts(CREATE).await, app.money().await),
        (1, (0, 1999)),
        "no request was repeated"
    );
    app.check_invariants();
}

/// A busy account has more intents than a page; some accounts have no search.
#[tokio::test(flavor = "multi_thread")]
async fn an_intent_is_found_among_many_whether_the_account_has_search_or_not() {
    let clock = Clock::manual(Clock::system().now());
    let mut app = TestApp::with_clock(clock.clone()).await;
    let buyer = app.buyer();
    let orders = [app.create_order(&buyer).await, app.create_order(&buyer).await];
    for order in &orders {
        pay_while_cut_off(&app, &app.client(&buyer), order.id, Timing::After).await;
    }
    for _ in 0..250 {
        let foreign = Some("amount=100&currency=usd".to_owned());
        let created = app.stripe().send(Method::POST, CREATE, foreign).await;
        let _ = created.expect(200);
    }

    app.stop().await;
    clock.advance(Duration::from_hours(25));
    let search = Target::get("/v1/payment_intents/search");
    app.sim.inject(search, Timing::Before, Fault::Answer(403));
    app.start().await;
    for order in &orders {
        app.wait_for_authorized(order.id).await;
    }
    let requests = app.sim.requests().await.unwrap();
    let count = |path: &str| requests.iter().filter(|request| request.path == path).count();
    assert_eq!(
        (count("/v1/payment_intents/search"), app.money().await),
        (2, (0, 3998)),
        "{requests:?}"
    );
    app.check_invariants();
}

/// Some accounts have no search, and many pages of intents a day.
#[tokio::test(flavor = "multi_thread")]
async fn without_search_an_intent_is_found_at_the_end_of_a_long_list_however_late() {
    let clock = Clock::manual(Clock::system().now());
    let mut app = TestApp::with_clock(clock.clone()).await;
    let buyer = app.buyer();
    let (done, never) = (app.create_order(&buyer).await, app.create_order(&buyer).await);
    pay_while_cut_off(&app, &app.client(&buyer), done.id, Timing::After).await;
    pay_while_cut_off(&app, &app.client(&buyer), never.id, Timing::Before).await;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let stripe = app.stripe();
        clients.spawn(async move {
            for _ in 0..215 {
                let foreign = Some("amount=100&currency=usd".to_owned());
                let _ = stripe.send(Method::POST, CREATE, foreign).await.expect(200);
            }
        });
    }
    clients.join_all().await;

    app.stop().await;
    clock.advance(Duration::from_hours(49));
    let search = Target::get("/v1/payment_intents/search").times(99);
    app.sim.inject(search, Timing::Before, Fault::Answer(403));
    // A page fails.
    let list = Target::get(CREATE);
    app.sim
        .inject(list.clone().times(9), Timing::Before, Fault::Delay(Duration::ZERO));
    app.sim.inject(list, Timing::Before, Fault::Answer(429));
    // However long a page takes.
    app.stripe_timeout = Duration::from_mins(1);
    app.start().await;
    app.wait_for_authorized(done.id).await;
    app.env
        .wait_for_event(|event| matches!(event, Event::PaymentFailed(failed) if failed.order_id == never.id))
        .await;
    // Each look-up has read the list once.
    let requests = app.sim.requests().await.unwrap();
    let pages = requests
        .iter()
        .filter(|request| request.method == "GET" && request.path == CREATE);
    assert_eq!(pages.count(), 22 + 1 + 22);
    assert_eq!((app.executed_posts(CREATE).await, app.money().await), (2151, (0, 1999)));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn buyers_who_ask_again_leave_one_look_up_at_a_time_to_the_worker() {
    let clock = Clock::manual(Clock::system().now());
    let mut app = TestApp::with_clock(clock.clone()).await;
    let buyer = app.buyer();
    let mut orders = Vec::new();
    for key in ["one", "two"] {
        let order = app.create_order(&buyer).await;
        let client = app.client(&buyer).with("idempotency-key", key);
        pay_while_cut_off(&app, &client, order.id, Timing::After).await;
        orders.push((key, order));
    }
    app.stop().await;
    clock.advance(Duration::from_hours(25));
    let buyer = app.sign_in_again(&buyer);
    let held = app.sim.hold(Target::get(CREATE).times(99), Timing::Before);
    // The first look-up does not end before it is released.
    app.stripe_timeout = Duration::from_mins(1);
    app.start().await;
    held.wait_for_request().await;
    let mut requests = tokio::task::JoinSet::new();
    for (key, order) in &orders {
        let (client, order) = (app.client(&buyer).with("idempotency-key", *key), order.id);
        requests.spawn(async move {
            let reply = pay(&client, order, "tok_visa").await;
            assert!([201, 503].contains(&reply.status.as_u16()), "{}", reply.text);
        });
    }
    let second = tokio::time::timeout(Duration::from_secs(1), held.wait_for_requests(2));
    assert!(second.await.is_err());
    held.release();
    requests.join_all().await;
    // The worker looks up later what a request has left to it.
    clock.advance(Duration::from_mins(1));
    for (_, order) in &orders {
        app.wait_for_authorized(order.id).await;
    }
    app.check_invariants();
}
