use std::time::Duration;

use reqwest::Method;
use stripe_sim::{Fault, Target, Timing};

use crate::client::{KEY, Stripe, authorisation, send};

const INTENTS: &str = "/v1/payment_intents";
const CAPTURES: &str = "/v1/payment_intents/*/capture";

#[tokio::test]
async fn a_connection_cut_before_the_effect_changes_nothing_and_after_it_everything() {
    let stripe = Stripe::start().await;
    for (when, intents) in [(Timing::Before, 0), (Timing::After, 1)] {
        stripe.sim.inject(Target::post(INTENTS), when, Fault::Cut);
        let pairs = authorisation("1999", "tok_visa");
        let lost = stripe
            .form(INTENTS, &pairs)
            .header("idempotency-key", "cut")
            .send()
            .await;
        assert!(lost.is_err(), "{lost:?}");
        assert_eq!(stripe.sim.payment_intents().await.unwrap().len(), intents);
    }
    let retried = stripe
        .post_with_key(INTENTS, &authorisation("1999", "tok_visa"), "cut")
        .await;
    assert_eq!(retried.headers["idempotent-replayed"], "true");
    assert_eq!(stripe.sim.payment_intents().await.unwrap().len(), 1);
    let faults: Vec<_> = stripe
        .sim
        .requests()
        .await
        .unwrap()
        .into_iter()
        .map(|request| request.fault)
        .collect();
    assert_eq!(
        faults,
        [Some("before: cut".to_owned()), Some("after: cut".to_owned()), None]
    );
}

#[tokio::test]
async fn a_status_is_returned_as_often_as_requested() {
    let stripe = Stripe::start().await;
    stripe
        .sim
        .inject(Target::post(INTENTS).times(2), Timing::Before, Fault::Answer(429));
    for _ in 0..2 {
        let error = stripe
            .post(INTENTS, &authorisation("1999", "tok_visa"))
            .await
            .error(429);
        assert_eq!(error["code"], "rate_limit");
    }
    let id = stripe.authorise("1999").await["id"].as_str().unwrap().to_owned();
    stripe
        .sim
        .inject(Target::post(CAPTURES), Timing::After, Fault::Answer(500));
    let capture = format!("{INTENTS}/{id}/capture");
    assert_eq!(
        stripe.post_with_key(&capture, &[], "c").await.error(500)["type"],
        "api_error"
    );
    let retried = stripe.post_with_key(&capture, &[], "c").await.ok();
    assert_eq!(retried["status"], "succeeded");
    assert_eq!(stripe.executions("POST", &capture).await, 1);
}

#[tokio::test]
async fn a_request_runs_though_its_client_has_disconnected() {
    let stripe = Stripe::start().await;
    let id = stripe.authorise("1999").await["id"].as_str().unwrap().to_owned();
    let hold = stripe.sim.hold(Target::post(CAPTURES), Timing::Before);
    let capture = format!("{INTENTS}/{id}/capture");
    // The client disconnects, because its request is dropped.
    tokio::select! {
        response = stripe.form(&capture, &[]).send() => panic!("{response:?}"),
        () = hold.wait_for_request() => {}
    }
    // The server reads the end of the connection before the request of another one.
    let intent = format!("{INTENTS}/{id}");
    assert_eq!(stripe.get(&intent).await.ok()["status"], "requires_capture");
    hold.release();
    let executed = async {
        while stripe.executions("POST", &capture).await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), executed).await.unwrap();
    assert_eq!(stripe.get(&intent).await.ok()["status"], "succeeded");
}

#[tokio::test]
async fn a_held_response_does_not_block_a_retry() {
    let stripe = Stripe::start().await;
    let hold = stripe.sim.hold(Target::post(INTENTS), Timing::After);
    let pairs = authorisation("1999", "tok_visa");
    let first = stripe.form(INTENTS, &pairs).header("idempotency-key", "held").send();
    let second = async {
        hold.wait_for_request().await;
        let replayed = stripe.post_with_key(INTENTS, &pairs, "held").await;
        hold.cut();
        replayed
    };
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_err());
    assert_eq!(second.headers["idempotent-replayed"], "true");
}

#[tokio::test]
async fn faults_are_armed_over_http_too() {
    let stripe = Stripe::start().await;
    let fault = [
        ("method", "POST"),
        ("path", INTENTS),
        ("when", "after"),
        ("fault", "hold"),
    ];
    let armed = stripe.post("/_sim/faults", &fault).await.ok();
    let path = format!("/_sim/faults/{}", armed["id"].as_str().unwrap());
    let created = stripe.post(INTENTS, &[("amount", "500"), ("currency", "usd")]);
    let release = async {
        assert_eq!(stripe.get(&format!("{path}?arrivals=1")).await.ok()["arrived"], 1);
        stripe.post(&format!("{path}/release"), &[]).await.ok();
    };
    let (created, ()) = tokio::join!(created, release);
    created.ok();
    stripe
        .post(
            "/_sim/faults",
            &[("path", "/v1/events"), ("fault", "answer"), ("status", "503")],
        )
        .await
        .ok();
    stripe.get("/v1/events").await.error(503);
    let requests = stripe.get("/_sim/requests").await.ok();
    assert_eq!(requests["data"][0]["fault"], "after: hold");
    assert_eq!(requests["data"][1]["executed"], false);
    assert_eq!(
        stripe.get("/_sim/payment_intents").await.ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    stripe
        .post("/_sim/faults", &[("path", "/v1/events"), ("fault", "cut")])
        .await
        .ok();
    send(stripe.request(Method::DELETE, "/_sim/faults").bearer_auth(KEY))
        .await
        .ok();
    stripe.get("/v1/events").await.ok();
    send(stripe.request(Method::GET, "/_sim/requests")).await.error(401);
}

#[tokio::test]
async fn a_simulator_that_stops_releases_held_requests() {
    let stripe = Stripe::start().await;
    let hold = stripe.sim.hold(Target::post(INTENTS), Timing::Before);
    let pairs = [("amount", "500"), ("currency", "usd")];
    let waiting = stripe.form(INTENTS, &pairs).send();
    let stop = async {
        hold.wait_for_request().await;
        stripe.sim.close().await;
    };
    let (ended, ()) = tokio::time::timeout(Duration::from_secs(10), async { tokio::join!(waiting, stop) })
        .await
        .unwrap();
    assert!(ended.is_err());
}
