//! What Stripe tells: early, late, twice, out of order, and what somebody else tells.

use std::time::Duration;

use events::Event;
use rusqlite::Connection;
use stripe_sim::{Target, Timing};
use testkit::Reply;

use crate::till::{CANCEL, CREATE, Till, WEBHOOK_SECRET, pay, sign};

const AUTHORISED: &str = "payment_intent.amount_capturable_updated";

/// A payment whose bank has asked and whose buyer has answered, of which nobody has told yet.
async fn answered(till: &Till) -> (crate::till::Buyer, values::PaymentId, String) {
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    let asked = till.asked(&buyer, &order).await;
    till.sim.authenticate(asked.intent(), true).await.unwrap();
    (buyer, asked.payment, asked.intent().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn told_twice_it_has_its_effect_once() {
    let till = Till::open().await;
    let (buyer, payment, _) = answered(&till).await;
    let event = till.event(AUTHORISED).await;
    let _ = till.tell(&event).await.expect(204);
    till.settled(&buyer, payment, "authorized").await;
    let looked = till.looked().await;
    for _ in 0..3 {
        let _ = till.tell(&event).await.expect(204);
    }
    let metrics = till.nobody().get("/metrics").await.text;
    assert!(
        metrics
            .lines()
            .any(|line| line.starts_with("ticketing_stripe_events_total{")
                && line.contains("effect=\"repeated\"")
                && line.contains(AUTHORISED)
                && line.ends_with(" 3")),
        "{metrics}"
    );
    assert_eq!((till.looked().await, till.money().await), (looked, (0, 1999)));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_late_or_out_of_order_turns_nothing_back() {
    let till = Till::open().await;
    let (buyer, payment, _) = answered(&till).await;
    let asks = till.event("payment_intent.requires_action").await;
    let _ = till.tell(&till.event(AUTHORISED).await).await.expect(204);
    till.settled(&buyer, payment, "authorized").await;
    let looked = till.looked().await;
    // Stripe is asked, and says what is so.
    let _ = till.tell(&asks).await.expect(204);
    testkit::eventually("Stripe was asked", || async {
        (till.looked().await > looked).then_some(())
    })
    .await;
    till.settled(&buyer, payment, "authorized").await;
    let failed = |event: &Event| matches!(event, Event::PaymentFailed(_));
    assert!(!till.kit.published_events().iter().any(failed));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_before_stripe_has_answered_us_waits_for_the_answer() {
    let till = Till::open().await;
    let buyer = till.buyer();
    let order = till.order(&buyer).await;
    let held = till.sim.hold(Target::post(CREATE), Timing::After);
    let client = till.client(&buyer);
    let (reply, ()) = tokio::join!(pay(&client, order.id, "tok_visa"), async {
        held.wait_for_request().await;
        let _ = till.tell(&till.event(AUTHORISED).await).await.expect(204);
        held.release();
    });
    let _ = reply.expect(201);
    assert_eq!((till.done(CREATE).await, till.money().await), (1, (0, 1999)));
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_that_somebody_cancels_at_stripe_fails_its_payment() {
    let till = Till::open().await;
    let (buyer, payment, intent) = answered(&till).await;
    let _ = till.tell(&till.event(AUTHORISED).await).await.expect(204);
    till.settled(&buyer, payment, "authorized").await;
    let cancel = CANCEL.replace('*', &intent);
    let _ = till
        .stripe()
        .send(poem::http::Method::POST, &cancel, None)
        .await
        .expect(200);
    let _ = till
        .tell(&till.event("payment_intent.canceled").await)
        .await
        .expect(204);
    till.settled(&buyer, payment, "failed").await;
    till.kit
        .wait_for_event(|event| matches!(event, Event::PaymentFailed(failed) if failed.id == payment))
        .await;
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_by_stripe_in_these_minutes_is_not_even_read() {
    let till = Till::open().await;
    let (_, _, _) = answered(&till).await;
    let (event, now) = (till.event(AUTHORISED).await, till.kit.now());
    let requests = till.sim.requests().await.unwrap().len();
    let refused = |reply: Reply| assert_eq!(reply.expect(400).problem().0, "malformed");
    for signature in [
        String::new(),
        "t=1,v1=00".to_owned(),
        sign(&event, now, "whsec_other"),
        sign(&event, now - Duration::from_secs(301), WEBHOOK_SECRET),
        sign(&event, now + Duration::from_secs(310), WEBHOOK_SECRET),
        sign(&event, now, WEBHOOK_SECRET).replace("v1=", "v0="),
    ] {
        refused(till.tell_signed(&event, &signature).await);
    }
    let bent = event.replace("requires_capture", "succeeded");
    refused(till.tell_signed(&bent, &sign(&event, now, WEBHOOK_SECRET)).await);
    refused(till.tell("{}").await);
    refused(till.tell("no json").await);
    let looks = till.sim.requests().await.unwrap().split_off(requests);
    let events = |path: &str| path == "/v1/events";
    assert!(
        looks.iter().all(|asked| events(&asked.path) || asked.method == "GET"),
        "{looks:?}"
    );

    let _ = till.tell(&event).await.expect(204);
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn types_that_nobody_knows_and_intents_of_others_are_taken_and_counted() {
    let till = Till::open().await;
    let strange = r#"{"id":"evt_1","type":"of.tomorrow","data":{"object":{}}}"#;
    let _ = till.tell(strange).await.expect(204);
    let others =
        r#"{"id":"evt_2","type":"payment_intent.succeeded","data":{"object":{"id":"pi_others","metadata":{}}}}"#;
    let _ = till.tell(others).await.expect(204);
    let metrics = till.nobody().get("/metrics").await.text;
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
async fn what_cannot_be_written_down_is_not_acknowledged() {
    let till = Till::open().await;
    let (buyer, payment, _) = answered(&till).await;
    let event = till.event(AUTHORISED).await;
    let other = Connection::open(till.kit.database::<payment::Payments>()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let reply = till.tell(&event).await;
    assert!(reply.status.is_server_error(), "{}", reply.text);
    other.execute_batch("ROLLBACK").unwrap();
    testkit::eventually("it is taken when it comes again", || async {
        (till.tell(&event).await.status.as_u16() == 204).then_some(())
    })
    .await;
    till.settled(&buyer, payment, "authorized").await;
    till.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_secret_is_rotated_both_are_believed_and_without_one_nobody_is() {
    let mut till = Till::open().await;
    let event = r#"{"id":"evt_1","type":"of.tomorrow","data":{"object":{}}}"#;
    till.webhook_secrets = vec!["whsec_new", WEBHOOK_SECRET];
    till.restart().await;
    for secret in ["whsec_new", WEBHOOK_SECRET] {
        let _ = till
            .tell_signed(event, &sign(event, till.kit.now(), secret))
            .await
            .expect(204);
    }
    till.webhook_secrets = Vec::new();
    till.restart().await;
    assert_eq!(till.tell(event).await.expect(404).problem().0, "not-found");
}
