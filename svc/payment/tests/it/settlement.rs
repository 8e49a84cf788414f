//! Payments whose order ends, or that Stripe does not complete.

use events::{CancelReason, Event};
use poem::http::Method;
use stripe_sim::{Fault, Target, Timing};
use testkit::{Client, eventually};

use crate::test_app::{CANCEL, CAPTURE, CREATE, TestApp, pay};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_cancelled_after_its_authorisation_captures_nothing() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.create_order(&buyer).await;
    let payment = app.authorize(&buyer, &order).await;
    app.cancel_order(&mut order, CancelReason::Expired).await;
    app.wait_for_status(&buyer, payment, "voided").await;
    app.env
        .wait_for_event(|event| matches!(event, Event::PaymentFailed(failed) if failed.id == payment))
        .await;
    assert_eq!(
        (
            app.money().await,
            app.executed_posts(CAPTURE).await,
            app.executed_posts(CANCEL).await
        ),
        ((0, 0), 0, 1)
    );
    app.check_invariants();
}

/// Wrong 12 of the seed: a payment that lands as the order expires.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_cancelled_during_the_authorisation_captures_nothing() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.create_order(&buyer).await;
    let held = app.sim.hold(Target::post(CREATE), Timing::After);
    let client = app.client(&buyer);
    let (reply, ()) = tokio::join!(pay(&client, order.id, "tok_visa"), async {
        held.wait_for_request().await;
        app.cancel_order(&mut order, CancelReason::User).await;
        eventually("the cancellation is replicated", || async {
            let reply = pay(&app.client(&buyer), order.id, "tok_visa").await.expect(409);
            (reply.problem().0 == "order-cancelled").then_some(())
        })
        .await;
        held.release();
    });
    assert_eq!(reply.expect(409).problem().0, "order-cancelled");
    app.env
        .wait_for_event(|event| matches!(event, Event::PaymentFailed(failed) if failed.order_id == order.id))
        .await;
    let authorized = |event: &Event| matches!(event, Event::PaymentAuthorized(_));
    assert!(
        !app.env.published_events().iter().any(authorized),
        "no authorised event is published"
    );
    assert_eq!((app.money().await, app.executed_posts(CAPTURE).await), ((0, 0), 0));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_that_stripe_refuses_permanently_fails_the_payment() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.create_order(&buyer).await;
    let payment = app.authorize(&buyer, &order).await;
    // Stripe does the same after some days.
    let intent = app.sim.payment_intents().await.unwrap()[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let stripe = Client::new(app.stripe_url()).bearer(crate::test_app::KEY);
    let _ = stripe
        .send(Method::POST, &format!("/v1/payment_intents/{intent}/cancel"), None)
        .await
        .expect(200);

    app.confirm_order(&mut order, payment).await;
    app.env
        .wait_for_event(|event| matches!(event, Event::PaymentFailed(failed) if failed.id == payment))
        .await;
    let failed = app.wait_for_status(&buyer, payment, "failed").await;
    assert_eq!(failed["failure"]["code"], "authorization_lapsed");
    assert_eq!(app.money().await, (0, 0));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_voided_if_another_one_pays_for_its_order() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let mut order = app.create_order(&buyer).await;
    let payment = app.authorize(&buyer, &order).await;
    app.confirm_order(&mut order, values::PaymentId::new(app.env.now()))
        .await;
    app.wait_for_status(&buyer, payment, "voided").await;
    assert_eq!(app.money().await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_request_is_repeated_with_the_same_key() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    for (when, fault) in [
        (Timing::Before, Fault::Answer(500)),
        (Timing::Before, Fault::Answer(429)),
        (Timing::Before, Fault::Cut),
        (Timing::After, Fault::Cut),
        (Timing::After, Fault::Answer(503)),
    ] {
        let mut order = app.create_order(&buyer).await;
        let (taken, created, captured) = (
            app.money().await.0,
            app.executed_posts(CREATE).await,
            app.executed_posts(CAPTURE).await,
        );
        app.sim.inject(Target::post(CREATE), when, fault);
        let payment = app.authorize(&buyer, &order).await;
        app.sim.inject(Target::post(CAPTURE), when, fault);
        app.confirm_order(&mut order, payment).await;
        app.wait_for_status(&buyer, payment, "captured").await;
        assert_eq!(app.money().await, (taken + 1999, 0), "{when:?} {fault:?}");
        assert_eq!(
            (app.executed_posts(CREATE).await, app.executed_posts(CAPTURE).await),
            (created + 1, captured + 1)
        );
    }
    app.check_invariants();
}
