use std::time::Duration;

use auth::{Auth, Settings};
use serde_json::json;
use testkit::TestEnv;
use values::{Clock, Timestamp};

use crate::person::{CURRENT, Given, PASSWORD, SIGN_IN, cookie, credentials, sign_up, start};

#[tokio::test]
async fn address_and_password_sign_in_however_the_address_is_spelled() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    let ada = sign_up(&auth, "ada@example.com").await;
    let reply = auth
        .client()
        .post(SIGN_IN, credentials("ADA@Example.com", PASSWORD))
        .await
        .expect(200);
    let given = Given::of(&reply);
    assert_eq!(given.user_id, ada.user_id);
    assert_ne!(given.refresh, ada.refresh, "each device has its own session");
    assert_eq!(cookie(&reply, "ticketing_session").0, given.access);
    let current = auth.client().bearer(&given.access).get(CURRENT).await.expect(200);
    assert_eq!(current.text_at("/email"), "ada@example.com");
    auth.stop().await;
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_one_answer() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    sign_up(&auth, "ada@example.com").await;
    let wrong = auth
        .client()
        .post(SIGN_IN, credentials("ada@example.com", "wrong"))
        .await
        .expect(401);
    assert_eq!(wrong.problem().0, "wrong-credentials");
    for (email, password) in [
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
        ("ada@example.com", &"long".repeat(1000)),
    ] {
        let reply = auth
            .client()
            .post(SIGN_IN, credentials(email, password))
            .await
            .expect(401);
        assert_eq!(reply.text, wrong.text, "{email}");
        assert!(reply.headers.get("set-cookie").is_none());
    }
    auth.client()
        .post(SIGN_IN, json!({"email": "ada@example.com"}))
        .await
        .expect(422)
        .problem();
    auth.stop().await;
}

#[tokio::test]
async fn too_many_failures_close_an_account_for_a_while() {
    let kit = TestEnv::with_clock(Clock::manual(Timestamp::from_millis(1_800_000_000_000))).await;
    let auth = start(&kit).await;
    sign_up(&auth, "ada@example.com").await;
    for email in ["ada@example.com", "nobody@example.com"] {
        for _ in 0..10 {
            auth.client()
                .post(SIGN_IN, credentials(email, "wrong"))
                .await
                .expect(401)
                .problem();
        }
        let reply = auth
            .client()
            .post(SIGN_IN, credentials(email, PASSWORD))
            .await
            .expect(429);
        assert_eq!(reply.problem().0, "too-many-requests");
        assert_eq!(reply.headers["retry-after"], "900");
    }
    kit.clock.advance(Duration::from_mins(15));
    auth.client()
        .post(SIGN_IN, credentials("ada@example.com", PASSWORD))
        .await
        .expect(200)
        .json();
    auth.stop().await;
}

#[tokio::test]
async fn too_many_failures_close_an_address_and_a_proxy_is_believed_only_if_trusted() {
    let kit = TestEnv::new().await;
    let settings = Settings {
        failures_per_address: 3,
        ..Settings::default()
    };
    let believing = Settings {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..settings.clone()
    };
    for (settings, believed) in [(settings, false), (believing, true)] {
        let auth = kit.start::<Auth>(settings).await;
        let from = |address: &str| auth.client().with("x-forwarded-for", format!("192.0.2.99, {address}"));
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
        assert_eq!(elsewhere.status.as_u16(), if believed { 401 } else { 429 });
        auth.stop().await;
    }
}
