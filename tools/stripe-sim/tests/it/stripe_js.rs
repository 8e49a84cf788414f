//! The files that a browser loads, and what pages of other origins may request.

use reqwest::{Method, StatusCode};

use crate::client::Stripe;

#[tokio::test]
async fn the_script_is_served_without_a_key_for_pages_of_any_origin() {
    let stripe = Stripe::start().await;
    for path in ["/v3", "/v3/"] {
        let response = stripe.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/javascript; charset=utf-8");
        assert_eq!(response.headers()["cross-origin-resource-policy"], "cross-origin");
        assert!(response.text().await.unwrap().contains("window.Stripe = Stripe"));
    }
    let unknown = stripe.request(Method::GET, "/v3/other.js").send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_frame_of_the_card_runs_no_script_but_its_own() {
    let stripe = Stripe::start().await;
    let page = stripe
        .request(Method::GET, "/v3/payment-element.html")
        .send()
        .await
        .unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy.contains("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"),
        "{policy}"
    );
    let body = page.text().await.unwrap();
    for path in body.split('"').filter(|text| text.starts_with("/v3/")) {
        let part = stripe.request(Method::GET, path).send().await.unwrap();
        assert_eq!(part.status(), StatusCode::OK, "{path}");
        assert_eq!(part.headers()["x-content-type-options"], "nosniff", "{path}");
    }
}

#[tokio::test]
async fn a_page_of_any_origin_may_ask_the_api_and_no_control() {
    let stripe = Stripe::start().await;
    let preflight = |path| {
        stripe
            .request(Method::OPTIONS, path)
            .header("origin", "https://shop.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization, idempotency-key")
            .send()
    };
    let allowed = preflight("/v1/payment_methods").await.unwrap();
    assert_eq!(allowed.status(), StatusCode::NO_CONTENT);
    assert_eq!(allowed.headers()["access-control-allow-origin"], "*");
    let headers = allowed.headers()["access-control-allow-headers"].to_str().unwrap();
    assert!(
        headers.contains("authorization") && headers.contains("idempotency-key"),
        "{headers}"
    );
    // The cookies of a browser are no key, so a response never allows them.
    assert!(!allowed.headers().contains_key("access-control-allow-credentials"));
    let refused = preflight("/_sim/faults").await.unwrap();
    assert!(!refused.status().is_success());
}
