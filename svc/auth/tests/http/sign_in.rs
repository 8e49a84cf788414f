use std::time::Duration;

use auth::Settings;
use serde_json::json;

use crate::test_app::{PASSWORD, SIGN_IN, SIGN_UP, Session, TestApp, cookie, credentials};

#[tokio::test]
async fn a_user_signs_in_with_any_spelling_of_the_address() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    let reply = app.sign_in("ADA@Example.com", PASSWORD).await.expect(200);
    let session = Session::from_reply(&reply);
    assert_eq!(session.user_id, ada.user_id);
    assert_ne!(
        session.refresh_token, ada.refresh_token,
        "each device has its own session"
    );
    let current = app.current_user(&session.access_token).await.expect(200);
    assert_eq!(current.text_at("/email"), "ada@example.com");
    app.stop().await;
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_response() {
    let app = TestApp::new().await;
    app.sign_up("ada@example.com").await;
    let wrong = app.sign_in("ada@example.com", "wrong").await.expect(401);
    assert_eq!(wrong.problem().0, "wrong-credentials");
    for (email, password) in [
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
        ("ada@example.com", &"long".repeat(1000)),
    ] {
        let reply = app.sign_in(email, password).await.expect(401);
        assert_eq!(reply.text, wrong.text, "{email}");
        assert!(reply.headers.get("set-cookie").is_none());
    }
    app.client()
        .post(SIGN_IN, json!({"email": "ada@example.com"}))
        .await
        .expect(422)
        .problem();
    app.stop().await;
}

#[tokio::test]
async fn too_many_failures_block_an_account_for_a_while() {
    let app = TestApp::with_manual_clock().await;
    app.sign_up("ada@example.com").await;
    for email in ["ada@example.com", "nobody@example.com"] {
        for _ in 0..10 {
            app.sign_in(email, "wrong").await.expect(401).problem();
        }
        let reply = app.sign_in(email, PASSWORD).await.expect(429);
        assert_eq!(reply.problem().0, "too-many-requests");
        assert_eq!(reply.headers["retry-after"], "900");
    }
    app.env.clock.advance(Duration::from_mins(15));
    app.sign_in("ada@example.com", PASSWORD).await.expect(200).json();
    app.stop().await;
}

#[tokio::test]
async fn a_device_that_signed_in_before_is_not_locked_out_by_others_of_its_network() {
    let app = TestApp::new().await;
    let reply = app
        .client()
        .post(SIGN_UP, credentials("ada@example.com", PASSWORD))
        .await;
    let device = reply.expect(201).text_at("/deviceToken");
    let by_cookie = json!({"email": "bob@example.com", "password": PASSWORD, "delivery": "cookies"});
    let reply = app.client().post(SIGN_UP, by_cookie).await.expect(201);
    let (device_cookie, attributes) = cookie(&reply, "__Host-ticketing_device");
    assert_eq!(
        attributes,
        "Path=/; Max-Age=34560000; HttpOnly; SameSite=Strict; Secure"
    );
    assert!(!reply.text.contains("deviceToken"), "{}", reply.text);

    for email in ["ada@example.com", "bob@example.com"] {
        for _ in 0..10 {
            app.sign_in(email, "wrong").await.expect(401).problem();
        }
        app.sign_in(email, PASSWORD).await.expect(429).problem();
    }
    let mut body = credentials("ada@example.com", PASSWORD);
    body["deviceToken"] = json!(device);
    let reply = app.client().post(SIGN_IN, body.clone()).await.expect(200);
    assert_ne!(reply.text_at("/deviceToken"), device, "it is renewed");
    let page = app
        .client()
        .with("cookie", format!("__Host-ticketing_device={device_cookie}"));
    page.post(SIGN_IN, credentials("bob@example.com", PASSWORD))
        .await
        .expect(200)
        .json();
    // It helps with one account only, and does not allow more guesses.
    page.post(SIGN_IN, credentials("ada@example.com", PASSWORD))
        .await
        .expect(429)
        .problem();
    body["password"] = json!("wrong");
    for _ in 0..10 {
        app.client().post(SIGN_IN, body.clone()).await.expect(401).problem();
    }
    app.client().post(SIGN_IN, body).await.expect(429).problem();
    let invalid = json!({"email": "ada@example.com", "password": PASSWORD, "deviceToken": "x".repeat(501)});
    let refused = app.client().post(SIGN_IN, invalid).await.expect(422);
    assert_eq!(refused.problem().1, "deviceToken");
    app.stop().await;
}

#[tokio::test]
async fn too_many_failures_block_an_address_and_only_trusted_proxies_forward_one() {
    let settings = Settings {
        failures_per_address: 3,
        ..Settings::default()
    };
    for trusted in [false, true] {
        let app = if trusted {
            TestApp::behind_a_proxy(settings.clone()).await
        } else {
            TestApp::with_settings(settings.clone()).await
        };
        let from = |address: &str| app.client().with("x-forwarded-for", format!("192.0.2.99, {address}"));
        for number in 0..3 {
            let email = format!("nobody{number}@example.com");
            from("198.51.100.1")
                .post(SIGN_IN, credentials(&email, "wrong"))
                .await
                .expect(401)
                .problem();
        }
        from("198.51.100.1")
            .post(SIGN_IN, credentials("other@example.com", "wrong"))
            .await
            .expect(429)
            .problem();
        let elsewhere = from("198.51.100.2")
            .post(SIGN_IN, credentials("other@example.com", "wrong"))
            .await;
        assert_eq!(elsewhere.status.as_u16(), if trusted { 401 } else { 429 });
        app.stop().await;
    }
}
