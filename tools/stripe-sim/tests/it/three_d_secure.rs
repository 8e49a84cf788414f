use reqwest::{Client, StatusCode, redirect};

use crate::client::{Stripe, authorisation};

const CARD: &str = "tok_threeDSecure2Required";

#[tokio::test]
async fn a_card_is_authorised_once_the_cardholder_agrees() {
    let stripe = Stripe::start().await;
    let intent = stripe
        .post("/v1/payment_intents", &authorisation("1999", CARD))
        .await
        .ok();
    assert_eq!(
        (&intent["status"], &intent["next_action"]["type"]),
        (&"requires_action".into(), &"use_stripe_sdk".into())
    );
    let id = intent["id"].as_str().unwrap();
    let agreed = stripe.sim.authenticate(id, true).await.unwrap();
    assert_eq!(
        (&agreed["status"], &agreed["amount_capturable"]),
        (&"requires_capture".into(), &1999.into())
    );
    assert!(stripe.sim.authenticate(id, true).await.is_err());
}

#[tokio::test]
async fn a_card_is_not_charged_if_the_cardholder_refuses() {
    let stripe = Stripe::start().await;
    let intent = stripe
        .post("/v1/payment_intents", &authorisation("1999", CARD))
        .await
        .ok();
    let path = format!("/_sim/payment_intents/{}/authenticate", intent["id"].as_str().unwrap());
    let refused = stripe.post(&path, &[("outcome", "fail")]).await.ok();
    assert_eq!(refused["status"], "requires_payment_method");
    assert_eq!(
        refused["last_payment_error"]["code"],
        "payment_intent_authentication_failure"
    );
}

#[tokio::test]
async fn a_card_can_be_declined_though_the_cardholder_agrees() {
    let stripe = Stripe::start().await;
    let pairs = authorisation("1999", "tok_threeDSecureRequiredChargeDeclined");
    let intent = stripe.post("/v1/payment_intents", &pairs).await.ok();
    let declined = stripe
        .sim
        .authenticate(intent["id"].as_str().unwrap(), true)
        .await
        .unwrap();
    assert_eq!(declined["last_payment_error"]["decline_code"], "generic_decline");
}

#[tokio::test]
async fn off_session_such_a_card_is_declined() {
    let stripe = Stripe::start().await;
    let mut pairs = authorisation("1999", CARD);
    pairs.push(("off_session", "true"));
    let error = stripe.post("/v1/payment_intents", &pairs).await.error(402);
    assert_eq!(error["code"], "authentication_required");
    assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
}

#[tokio::test]
async fn a_browser_is_sent_to_a_page_and_back_to_the_shop() {
    let stripe = Stripe::start().await;
    let mut pairs = authorisation("1999", CARD);
    pairs.push(("return_url", "https://shop.example/done?order=7"));
    let intent = stripe.post("/v1/payment_intents", &pairs).await.ok();
    let url = intent["next_action"]["redirect_to_url"]["url"].as_str().unwrap();
    let browser = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .build()
        .unwrap();
    let page = browser.get(url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("19.99 USD"), "{page}");
    let back = browser
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("outcome=pass")
        .send()
        .await
        .unwrap();
    assert_eq!(back.status(), StatusCode::SEE_OTHER);
    let location = back.headers()["location"].to_str().unwrap();
    assert!(
        location.starts_with("https://shop.example/done?order=7&payment_intent=pi_"),
        "{location}"
    );
    assert!(location.ends_with("redirect_status=succeeded"), "{location}");
    let wrong = format!("{url}x");
    assert_eq!(
        browser.get(&wrong).send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
}
