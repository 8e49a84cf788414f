//! A buyer's browser: the publishable key and a client secret, as Stripe.js sends them.

use reqwest::Method;
use serde_json::Value;

use crate::client::{KEY, Reply, Stripe, send};

const PUBLISHABLE: &str = "pk_test_0123456789";

async fn post_as_browser(stripe: &Stripe, path: &str, pairs: &[(&str, &str)]) -> Reply {
    let pairs = [&[("key", PUBLISHABLE)], pairs].concat();
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    send(stripe.request(Method::POST, path).body(body)).await
}

/// Creates an intent with the secret key. Returns its path and its client secret.
async fn intent(stripe: &Stripe) -> (String, String) {
    let pairs = [
        ("amount", "1999"),
        ("currency", "usd"),
        ("capture_method", "manual"),
        ("metadata[secret]", "margin"),
        ("payment_method_types[]", "card"),
    ];
    let intent = stripe.post("/v1/payment_intents", &pairs).await.ok();
    let path = format!("/v1/payment_intents/{}", intent["id"].as_str().unwrap());
    (path, intent["client_secret"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_browser_confirms_with_the_client_secret_and_sees_only_public_fields() {
    let stripe = Stripe::start().await;
    let (path, secret) = intent(&stripe).await;
    let card = [
        ("payment_method_data[type]", "card"),
        ("payment_method_data[card][number]", "4242 4242 4242 4242"),
        ("payment_method_data[card][exp_month]", "12"),
        ("payment_method_data[card][exp_year]", "34"),
        ("payment_method_data[card][cvc]", "123"),
        ("client_secret", secret.as_str()),
    ];
    let confirmed = post_as_browser(&stripe, &format!("{path}/confirm"), &card).await;
    assert_eq!(confirmed.headers["access-control-allow-origin"], "*");
    let confirmed = confirmed.ok();
    assert_eq!(confirmed["status"], "requires_capture");
    assert_eq!(
        (confirmed.get("metadata"), confirmed.get("latest_charge")),
        (None, None)
    );
    let query = format!("{path}?key={PUBLISHABLE}&client_secret={secret}");
    assert_eq!(send(stripe.request(Method::GET, &query)).await.ok(), confirmed);
    assert_eq!(stripe.get(&path).await.ok()["metadata"]["secret"], "margin");
}

#[tokio::test]
async fn a_browser_without_the_secret_or_with_another_one_is_refused() {
    let stripe = Stripe::start().await;
    let (path, _) = intent(&stripe).await;
    let confirm = format!("{path}/confirm");
    let without = post_as_browser(&stripe, &confirm, &[("payment_method", "pm_card_visa")])
        .await
        .error(400);
    assert_eq!(without["param"], "client_secret");
    let pairs = [("payment_method", "pm_card_visa"), ("client_secret", "pi_1_secret_2")];
    let wrong = post_as_browser(&stripe, &confirm, &pairs).await.error(400);
    assert_eq!(wrong["param"], "client_secret");
    for path in [
        "/v1/payment_intents".to_owned(),
        "/v1/refunds".to_owned(),
        format!("{path}/capture"),
        "/_sim/faults".to_owned(),
    ] {
        let refused = post_as_browser(&stripe, &path, &[]).await.error(403);
        assert_eq!(refused["code"], "secret_key_required", "{path}");
    }
    let body = format!("key={KEY}&type=card&card[token]=tok_visa");
    send(stripe.request(Method::POST, "/v1/payment_methods").body(body))
        .await
        .error(401);
    assert_eq!(stripe.get(&path).await.ok()["status"], "requires_payment_method");
}

#[tokio::test]
async fn a_declined_browser_gets_the_reason_and_tries_another_card() {
    let stripe = Stripe::start().await;
    let (path, secret) = intent(&stripe).await;
    let confirm = format!("{path}/confirm");
    let pairs = |method| [("payment_method", method), ("client_secret", secret.as_str())];
    let declined = pairs("pm_card_chargeDeclinedInsufficientFunds");
    let error = post_as_browser(&stripe, &confirm, &declined).await.error(402);
    assert_eq!(error["decline_code"], "insufficient_funds");
    assert_eq!(error["payment_intent"].get("metadata"), None);
    let method = [("type", "card"), ("card[token]", "tok_threeDSecure2Required")];
    let method = post_as_browser(&stripe, "/v1/payment_methods", &method).await.ok();
    let mut fields = pairs(method["id"].as_str().unwrap()).to_vec();
    fields.extend([("use_stripe_sdk", "true"), ("return_url", "https://shop.example/")]);
    let intent = post_as_browser(&stripe, &confirm, &fields).await.ok();
    assert_eq!(
        (&intent["status"], &intent["next_action"]["type"]),
        (&"requires_action".into(), &"use_stripe_sdk".into())
    );
    stripe
        .sim
        .authenticate(intent["id"].as_str().unwrap(), true)
        .await
        .unwrap();
    let intent: Value = stripe.get(&path).await.ok();
    assert_eq!(intent["status"], "requires_capture");
}
