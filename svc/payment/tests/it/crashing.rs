//! Somebody dies, or is not there.

use std::time::Duration;

use events::Event;
use rusqlite::Connection;
use stripe_sim::{Fault, Target, Timing};
use values::Clock;

use crate::till::{CAPTURE, CREATE, Till, pay};

#[tokio::test(flavor = "multi_thread")]
async fn without_stripe_a_payment_waits_and_is_settled_later() {
    let mut till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    till.lose_stripe().await;
    let client = till.client(&buyer).with("idempotency-key", "patient");
    let reply = pay(&client, order.id, "tok_visa").await.expect(503);
    assert_eq!(reply.problem().0, "unavailable");
    assert!(reply.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
    let second = pay(&till.client(&buyer), order.id, "tok_visa").await.expect(409);
    assert_eq!(second.problem().0, "order-being-paid", "it is not given up");

    till.find_stripe().await;
    let said = till
        .kit
        .wait_for_event(|event| matches!(event, Event::PaymentAuthorized(_)))
        .await;
    let Event::PaymentAuthorized(said) = said else {
        unreachable!()
    };
    let reply = pay(&client, order.id, "tok_visa").await.expect(201);
    assert_eq!(reply.text_at("/id"), said.id.to_string());
    assert_eq!((till.done(CREATE).await, till.money().await), (1, (0, 1999)));
    till.check();
}

/// Wrong 7 of the seed: the charge succeeds, then saving fails, and the buyer is charged and told that it failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_stripe_has_done_it_charges_once() {
    let mut till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;

    let held = till.sim.hold(Target::post(CREATE).times(3), Timing::After);
    let client = till.client(&buyer).with("idempotency-key", "crash");
    let (reply, ()) = tokio::join!(pay(&client, order.id, "tok_visa"), async {
        held.wait_for_request().await;
        till.stop().await;
    });
    assert_eq!(
        reply.status.as_u16(),
        503,
        "whoever asked does not hear that it failed: {}",
        reply.text
    );
    assert_eq!(till.money().await, (0, 1999), "Stripe has done it");
    held.cut();
    till.sim.clear_faults();

    till.start().await;
    let client = till.client(&buyer).with("idempotency-key", "crash");
    let reply = pay(&client, order.id, "tok_visa").await.expect(201);
    let payment = reply.text_at("/id").parse().unwrap();
    assert_eq!((till.done(CREATE).await, till.money().await), (1, (0, 1999)));

    let held = till.sim.hold(Target::post(CAPTURE), Timing::After);
    till.confirm(&mut order, payment).await;
    held.wait_for_request().await;
    till.stop().await;
    held.cut();
    till.start().await;
    till.kit
        .wait_for_event(|event| matches!(event, Event::PaymentCreated(said) if said.id == payment))
        .await;
    assert_eq!((till.done(CAPTURE).await, till.money().await), (1, (1999, 0)));
    till.check();
}

/// Wrong 7 of the seed, with a disk that refuses rather than a process that dies.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_saved_is_asked_again_and_charged_once() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    let held = till.sim.hold(Target::post(CREATE), Timing::After);
    let client = till.client(&buyer).with("idempotency-key", "locked");
    let (reply, ()) = tokio::join!(pay(&client, order.id, "tok_visa"), async {
        held.wait_for_request().await;
        // Nobody else can write now, for longer than the writer waits.
        let other = Connection::open(till.kit.database::<payment::Payments>()).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        held.release();
        let failing = till.nobody();
        testkit::eventually("saving fails", || async {
            let ready = failing.get("/health/ready").await;
            (ready.status.as_u16() == 503).then_some(())
        })
        .await;
        other.execute_batch("ROLLBACK").unwrap();
    });
    assert!([201, 503].contains(&reply.status.as_u16()), "{}", reply.text);
    till.kit
        .wait_for_event(|event| matches!(event, Event::PaymentAuthorized(_)))
        .await;
    let _ = pay(&client, order.id, "tok_visa").await.expect(201);
    assert_eq!((till.done(CREATE).await, till.money().await), (1, (0, 1999)));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stripe_that_does_not_answer_in_time_holds_nobody_up() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    let held = till.sim.hold(Target::post(CREATE), Timing::After);
    let client = till.client(&buyer);
    let began = std::time::Instant::now();
    // The first try times out; the second gets the answer to the same key.
    let reply = pay(&client, order.id, "tok_visa").await;
    assert!(began.elapsed() < crate::till::STRIPE_TIMEOUT + Duration::from_secs(5));
    assert!([201, 503].contains(&reply.status.as_u16()), "{}", reply.text);
    till.kit
        .wait_for_event(|event| matches!(event, Event::PaymentAuthorized(_)))
        .await;
    assert_eq!((till.done(CREATE).await, till.money().await), (1, (0, 1999)));
    drop(held);
}

/// Asked again with a key that it has forgotten, Stripe would set the money aside twice.
#[tokio::test(flavor = "multi_thread")]
async fn what_stripe_has_forgotten_is_looked_up() {
    let clock = Clock::manual(Clock::system().now());
    let mut till = Till::open_at(clock.clone()).await;
    let buyer = till.buyer();
    let (done, never) = (till.order(&buyer).await, till.order(&buyer).await);
    for (order, when) in [(&done, Timing::After), (&never, Timing::Before)] {
        till.sim.inject(Target::post(CREATE).times(99), when, Fault::Cut);
        let _ = pay(&till.client(&buyer), order.id, "tok_visa").await.expect(503);
        till.sim.clear_faults();
    }
    assert_eq!((till.done(CREATE).await, till.money().await), (1, (0, 1999)));

    till.stop().await;
    clock.advance(Duration::from_hours(25));
    till.start().await;
    till.kit
        .wait_for_event(|event| matches!(event, Event::PaymentAuthorized(said) if said.order_id == done.id))
        .await;
    till.kit
        .wait_for_event(|event| matches!(event, Event::PaymentFailed(failed) if failed.order_id == never.id))
        .await;
    assert_eq!(
        (till.done(CREATE).await, till.money().await),
        (1, (0, 1999)),
        "and nothing was asked again"
    );
    till.check();
}
