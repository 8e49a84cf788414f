//! Webhooks: early, late, repeated, reordered and forged.

use std::time::Duration;

use events::Event;
use rusqlite::Connection;
use stripe_sim::{Target, Timing};
use testkit::Reply;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::test_app::{CANCEL, CREATE, TestApp, WEBHOOK_SECRET, pay, sign};

const AUTHORISED: &str = "payment_intent.amount_capturable_updated";

/// An authenticated payment whose Stripe event has not been sent yet.
async fn authenticated_payment(app: &TestApp) -> (crate::test_app::Buyer, values::PaymentId, String) {
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    let asked = app.pay_with_authentication(&buyer, &order).await;
    app.sim.authenticate(asked.intent(), true).await.unwrap();
    (buyer, asked.payment, asked.intent().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_event_has_its_effect_once() {
    let app = TestApp::new().await;
    let (buyer, payment, _) = authenticated_payment(&app).await;
    let event = app.latest_stripe_event(AUTHORISED).await;
    let _ = app.send_webhook(&event).await.expect(204);
    app.wait_for_status(&buyer, payment, "authorized").await;
    let looked = app.intent_reads().await;
    for _ in 0..3 {
        let _ = app.send_webhook(&event).await.expect(204);
    }
    let metrics = app.anonymous().get("/metrics").await.text;
    assert!(
        metrics
            .lines()
            .any(|line| line.starts_with("ticketing_stripe_events_total{")
                && line.contains("effect=\"repeated\"")
                && line.contains(AUTHORISED)
                && line.ends_with(" 3")),
        "{metrics}"
    );
    assert_eq!((app.intent_reads().await, app.money().await), (looked, (0, 1999)));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn late_and_reordered_events_do_not_revert_a_payment() {
    let app = TestApp::new().await;
    let (buyer, payment, _) = authenticated_payment(&app).await;
    let asks = app.latest_stripe_event("payment_intent.requires_action").await;
    let _ = app
        .send_webhook(&app.latest_stripe_event(AUTHORISED).await)
        .await
        .expect(204);
    app.wait_for_status(&buyer, payment, "authorized").await;
    let looked = app.intent_reads().await;
    // The event causes a check, which finds the current state.
    let _ = app.send_webhook(&asks).await.expect(204);
    testkit::eventually("the intent was retrieved", || async {
        (app.intent_reads().await > looked).then_some(())
    })
    .await;
    app.wait_for_status(&buyer, payment, "authorized").await;
    let failed = |event: &Event| matches!(event, Event::PaymentFailed(_));
    assert!(!app.env.published_events().iter().any(failed));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_during_a_call_waits_for_its_response() {
    let app = TestApp::new().await;
    let buyer = app.buyer();
    let order = app.create_order(&buyer).await;
    let held = app.sim.hold(Target::post(CREATE), Timing::After);
    let client = app.client(&buyer);
    let (reply, ()) = tokio::join!(pay(&client, order.id, "tok_visa"), async {
        held.wait_for_request().await;
        let _ = app
            .send_webhook(&app.latest_stripe_event(AUTHORISED).await)
            .await
            .expect(204);
        held.release();
    });
    let _ = reply.expect(201);
    assert_eq!((app.executed_posts(CREATE).await, app.money().await), (1, (0, 1999)));
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_cancelled_in_stripes_dashboard_fails_its_payment() {
    let app = TestApp::new().await;
    let (buyer, payment, intent) = authenticated_payment(&app).await;
    let _ = app
        .send_webhook(&app.latest_stripe_event(AUTHORISED).await)
        .await
        .expect(204);
    app.wait_for_status(&buyer, payment, "authorized").await;
    let cancel = CANCEL.replace('*', &intent);
    let _ = app
        .stripe()
        .send(poem::http::Method::POST, &cancel, None)
        .await
        .expect(200);
    let _ = app
        .send_webhook(&app.latest_stripe_event("payment_intent.canceled").await)
        .await
        .expect(204);
    app.wait_for_status(&buyer, payment, "failed").await;
    app.env
        .wait_for_event(|event| matches!(event, Event::PaymentFailed(failed) if failed.id == payment))
        .await;
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn unsigned_and_expired_events_are_refused() {
    let app = TestApp::new().await;
    let (_, _, _) = authenticated_payment(&app).await;
    let (event, now) = (app.latest_stripe_event(AUTHORISED).await, app.env.now());
    let requests = app.sim.requests().await.unwrap().len();
    let refused = |reply: Reply| assert_eq!(reply.expect(400).problem().0, "malformed");
    for signature in [
        String::new(),
        "t=1,v1=00".to_owned(),
        sign(&event, now, "whsec_other"),
        sign(&event, now - Duration::from_secs(301), WEBHOOK_SECRET),
        sign(&event, now + Duration::from_secs(310), WEBHOOK_SECRET),
        sign(&event, now, WEBHOOK_SECRET).replace("v1=", "v0="),
    ] {
        refused(app.send_signed_webhook(&event, &signature).await);
    }
    let bent = event.replace("requires_capture", "succeeded");
    refused(app.send_signed_webhook(&bent, &sign(&event, now, WEBHOOK_SECRET)).await);
    refused(app.send_webhook("{}").await);
    refused(app.send_webhook("no json").await);
    let looks = app.sim.requests().await.unwrap().split_off(requests);
    let events = |path: &str| path == "/v1/events";
    assert!(
        looks.iter().all(|asked| events(&asked.path) || asked.method == "GET"),
        "{looks:?}"
    );

    let _ = app.send_webhook(&event).await.expect(204);
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_types_and_foreign_intents_are_accepted_and_counted() {
    let app = TestApp::new().await;
    let strange = r#"{"id":"evt_1","type":"of.tomorrow","data":{"object":{}}}"#;
    let _ = app.send_webhook(strange).await.expect(204);
    let others =
        r#"{"id":"evt_2","type":"payment_intent.succeeded","data":{"object":{"id":"pi_others","metadata":{}}}}"#;
    let _ = app.send_webhook(others).await.expect(204);
    let metrics = app.anonymous().get("/metrics").await.text;
    for (kind, effect) in [("other", "ignored"), ("payment_intent.succeeded", "strange")] {
        let counted = metrics.lines().any(|line| {
            line.starts_with("ticketing_stripe_events_total{")
                && line.contains(&format!("type=\"{kind}\""))
                && line.contains(&format!("effect=\"{effect}\""))
                && line.ends_with(" 1")
        });
        assert!(counted, "{kind} {effect}: {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_stored_is_not_acknowledged() {
    let app = TestApp::new().await;
    let (buyer, payment, _) = authenticated_payment(&app).await;
    let event = app.latest_stripe_event(AUTHORISED).await;
    let other = Connection::open(app.env.database::<payment::Payments>()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let reply = app.send_webhook(&event).await;
    assert!(reply.status.is_server_error(), "{}", reply.text);
    // One of no interest needs no write.
    let _ = app
        .send_webhook(r#"{"id":"evt_1","type":"charge.captured","data":{"object":{}}}"#)
        .await
        .expect(204);
    other.execute_batch("ROLLBACK").unwrap();
    testkit::eventually("the repeated event is accepted", || async {
        (app.send_webhook(&event).await.status.as_u16() == 204).then_some(())
    })
    .await;
    app.wait_for_status(&buyer, payment, "authorized").await;
    app.check_invariants();
}

#[tokio::test(flavor = "multi_thread")]
async fn during_a_rotation_both_secrets_are_accepted_and_without_a_secret_none() {
    let mut app = TestApp::new().await;
    let event = r#"{"id":"evt_1","type":"of.tomorrow","data":{"object":{}}}"#;
    app.webhook_secrets = vec!["whsec_new", WEBHOOK_SECRET];
    app.restart().await;
    for secret in ["whsec_new", WEBHOOK_SECRET] {
        let _ = app
            .send_signed_webhook(event, &sign(event, app.env.now(), secret))
            .await
            .expect(204);
    }
    app.webhook_secrets = Vec::new();
    app.restart().await;
    assert_eq!(app.send_webhook(event).await.expect(404).problem().0, "not-found");

    // The refusal does not wait for the body.
    let mut client = TcpStream::connect(app.address()).await.unwrap();
    client
        .write_all(
            b"POST /api/v1/payments/webhook HTTP/1.1\r\nhost: test\r\nstripe-signature: t=1,v1=00\r\n\
              content-type: application/json\r\ncontent-length: 100000\r\n\r\n",
        )
        .await
        .unwrap();
    let mut status = [0; 12];
    client.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 404");
}
