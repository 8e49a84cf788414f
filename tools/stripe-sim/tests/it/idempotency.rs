use stripe_sim::{Target, Timing};

use crate::client::{Stripe, authorisation, send};

const INTENTS: &str = "/v1/payment_intents";

#[tokio::test]
async fn the_same_key_and_parameters_get_the_same_response_and_charge_once() {
    let stripe = Stripe::start().await;
    let pairs = authorisation("1999", "tok_visa");
    let first = stripe.post_with_key(INTENTS, &pairs, "attempt-1").await;
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let mut shuffled = pairs.clone();
    shuffled.reverse();
    let second = stripe.post_with_key(INTENTS, &shuffled, "attempt-1").await;
    assert_eq!(second.headers["idempotent-replayed"], "true");
    assert_eq!(second.headers["original-request"], first.headers["request-id"]);
    assert_eq!(second.headers["idempotency-key"], "attempt-1");
    assert_eq!(first.ok(), second.ok());
    assert_eq!(stripe.sim.payment_intents().await.unwrap().len(), 1);
    assert_eq!(stripe.executions("POST", INTENTS).await, 1);
}

#[tokio::test]
async fn the_same_key_with_other_parameters_or_for_another_endpoint_is_refused() {
    let stripe = Stripe::start().await;
    let intent = stripe
        .post_with_key(INTENTS, &authorisation("1999", "tok_visa"), "attempt-1")
        .await
        .ok();
    let other = stripe
        .post_with_key(INTENTS, &authorisation("2000", "tok_visa"), "attempt-1")
        .await
        .error(400);
    assert_eq!(other["type"], "idempotency_error");
    let capture = format!("{INTENTS}/{}/capture", intent["id"].as_str().unwrap());
    let other_endpoint = stripe.post_with_key(&capture, &[], "attempt-1").await.error(400);
    assert_eq!(other_endpoint["type"], "idempotency_error");
    assert!(other_endpoint["message"].as_str().unwrap().contains("same endpoint"));
}

#[tokio::test]
async fn a_decline_is_replayed_but_invalid_parameters_can_be_corrected() {
    let stripe = Stripe::start().await;
    let declined = authorisation("1999", "tok_chargeDeclined");
    let first = stripe.post_with_key(INTENTS, &declined, "declined").await.error(402);
    let again = stripe.post_with_key(INTENTS, &declined, "declined").await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.error(402), first);
    assert_eq!(stripe.sim.payment_intents().await.unwrap().len(), 1);

    stripe
        .post_with_key(INTENTS, &authorisation("1", "tok_visa"), "corrected")
        .await
        .error(400);
    stripe
        .post_with_key(INTENTS, &authorisation("1999", "tok_visa"), "corrected")
        .await
        .ok();
}

#[tokio::test]
async fn a_key_in_use_is_a_conflict_until_its_request_ends() {
    let stripe = Stripe::start().await;
    let hold = stripe.sim.hold(Target::post(INTENTS), Timing::Before);
    let pairs = authorisation("1999", "tok_visa");
    let first = send(stripe.form(INTENTS, &pairs).header("idempotency-key", "twice"));
    let second = async {
        hold.wait_for_request().await;
        let error = stripe.post_with_key(INTENTS, &pairs, "twice").await.error(409);
        hold.release();
        error
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(second["code"], "idempotency_key_in_use");
    assert_eq!(stripe.post_with_key(INTENTS, &pairs, "twice").await.ok(), first.ok());
    assert_eq!(stripe.executions("POST", INTENTS).await, 1);
}

#[tokio::test]
async fn a_key_that_is_too_long_is_refused() {
    let stripe = Stripe::start().await;
    let error = stripe
        .post_with_key(INTENTS, &authorisation("1999", "tok_visa"), &"k".repeat(256))
        .await
        .error(400);
    assert_eq!(error["type"], "idempotency_error");
}

#[tokio::test]
async fn a_key_expires_after_a_day() {
    let config = crate::client::config();
    let clock = config.clock.clone();
    let stripe = Stripe::with_sim(stripe_sim::Sim::in_memory(config).unwrap()).await;
    stripe
        .post_with_key(INTENTS, &authorisation("1999", "tok_visa"), "old")
        .await
        .ok();
    clock.advance(std::time::Duration::from_secs(24 * 60 * 60 + 1));
    stripe
        .post_with_key(INTENTS, &authorisation("2000", "tok_visa"), "old")
        .await
        .ok();
}

#[tokio::test]
async fn an_error_under_an_expired_key_is_stored_anew() {
    let config = crate::client::config();
    let clock = config.clock.clone();
    let stripe = Stripe::with_sim(stripe_sim::Sim::in_memory(config).unwrap()).await;
    let created = stripe.post(INTENTS, &authorisation("1999", "tok_visa")).await.ok();
    let capture = format!("{INTENTS}/{}/capture", created["id"].as_str().unwrap());
    stripe.post_with_key(&capture, &[], "old").await.ok();
    clock.advance(std::time::Duration::from_secs(24 * 60 * 60 + 1));
    stripe.post_with_key(&capture, &[], "old").await.error(400);
    let again = stripe.post_with_key(&capture, &[], "old").await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.error(400)["code"], "payment_intent_unexpected_state");
    let journal = stripe.sim.requests().await.unwrap();
    let captures = journal.iter().filter(|request| request.path == capture);
    assert_eq!(
        captures.map(|request| request.executed).collect::<Vec<_>>(),
        [true, true, false]
    );
}

#[tokio::test]
async fn an_error_of_stripes_own_is_stored_under_its_key() {
    let stripe = Stripe::start().await;
    let pairs = authorisation("1999", "tok_visa");
    let faults = [("path", "/v1/payment_intents"), ("fault", "fail"), ("status", "500")];
    stripe.post("/_sim/faults", &faults).await.ok();
    stripe
        .post_with_key("/v1/payment_intents", &pairs, "k")
        .await
        .error(500);
    let again = stripe.post_with_key("/v1/payment_intents", &pairs, "k").await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.error(500)["type"], "api_error");
    assert!(stripe.sim.payment_intents().await.unwrap().is_empty());
    stripe
        .post_with_key("/v1/payment_intents", &pairs, "another")
        .await
        .ok();
}
