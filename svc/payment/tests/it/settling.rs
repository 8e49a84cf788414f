//! A payment whose order ends, or that Stripe will not finish.

use events::{CancelReason, Event};
use poem::http::Method;
use stripe_sim::{Fault, Target, Timing};
use testkit::{Client, eventually};

use crate::till::{CANCEL, CAPTURE, CREATE, Till, pay};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_cancelled_after_its_authorisation_takes_nothing() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;
    let payment = till.paid(&buyer, &order).await;
    till.cancel(&mut order, CancelReason::Expired).await;
    till.settled(&buyer, payment, "voided").await;
    till.kit
        .wait_for_event(|event| matches!(event, Event::PaymentFailed(failed) if failed.id == payment))
        .await;
    assert_eq!(
        (till.money().await, till.done(CAPTURE).await, till.done(CANCEL).await),
        ((0, 0), 0, 1)
    );
    till.check();
}

/// Wrong 12 of the seed: a payment that lands as the order expires.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_cancelled_while_stripe_is_asked_takes_nothing() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;
    let held = till.sim.hold(Target::post(CREATE), Timing::After);
    let client = till.client(&buyer);
    let (reply, ()) = tokio::join!(pay(&client, order.id, "tok_visa"), async {
        held.wait_for_request().await;
        till.cancel(&mut order, CancelReason::User).await;
        eventually("the cancellation is known", || async {
            let reply = pay(&till.client(&buyer), order.id, "tok_visa").await.expect(409);
            (reply.problem().0 == "order-cancelled").then_some(())
        })
        .await;
        held.release();
    });
    assert_eq!(reply.expect(409).problem().0, "order-cancelled");
    till.kit
        .wait_for_event(|event| matches!(event, Event::PaymentFailed(failed) if failed.order_id == order.id))
        .await;
    let authorized = |event: &Event| matches!(event, Event::PaymentAuthorized(_));
    assert!(
        !till.kit.published_events().iter().any(authorized),
        "nobody is told of what will not be"
    );
    assert_eq!((till.money().await, till.done(CAPTURE).await), ((0, 0), 0));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_stripe_refuses_for_good_fails_the_payment() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;
    let payment = till.paid(&buyer, &order).await;
    // As Stripe does by itself after some days.
    let intent = till.sim.payment_intents().await.unwrap()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let stripe = Client::new(till.stripe_url()).bearer("sk_test_till");
    let _ = stripe
        .send(Method::POST, &format!("/v1/payment_intents/{intent}/cancel"), None)
        .await
        .expect(200);

    till.confirm(&mut order, payment).await;
    till.kit
        .wait_for_event(|event| matches!(event, Event::PaymentFailed(failed) if failed.id == payment))
        .await;
    let failed = till.settled(&buyer, payment, "failed").await;
    assert_eq!(failed["failure"]["code"], "authorization_lapsed");
    assert_eq!(till.money().await, (0, 0));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_another_one_pays_for_is_let_go() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let mut order = till.order(&buyer).await;
    let payment = till.paid(&buyer, &order).await;
    till.confirm(&mut order, values::PaymentId::new(till.kit.now())).await;
    till.settled(&buyer, payment, "voided").await;
    assert_eq!(till.money().await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stripe_that_stumbles_is_asked_again_with_the_same_key() {
    let till = Till::open().await;
    let buyer = till.buyer();
    for (when, fault) in [
        (Timing::Before, Fault::Answer(500)),
        (Timing::Before, Fault::Answer(429)),
        (Timing::Before, Fault::Cut),
        (Timing::After, Fault::Cut),
        (Timing::After, Fault::Answer(503)),
    ] {
        let mut order = till.order(&buyer).await;
        let (taken, created, captured) = (till.money().await.0, till.done(CREATE).await, till.done(CAPTURE).await);
        till.sim.inject(Target::post(CREATE), when, fault);
        let payment = till.paid(&buyer, &order).await;
        till.sim.inject(Target::post(CAPTURE), when, fault);
        till.confirm(&mut order, payment).await;
        till.settled(&buyer, payment, "captured").await;
        assert_eq!(till.money().await, (taken + 1999, 0), "{when:?} {fault:?}");
        assert_eq!(
            (till.done(CREATE).await, till.done(CAPTURE).await),
            (created + 1, captured + 1)
        );
    }
    till.check();
}
