//! Confirming the address of an account, and sign-ups that do not reveal whether an address has one.

use std::collections::HashSet;

use auth::Settings;
use events::AccountMailKind::{ConfirmEmail, EmailTaken, ResetPassword};
use serde_json::{Value, json};
use testkit::{Client, Reply};

use crate::test_app::{CURRENT_USER, PASSWORD, SIGN_UP, Session, TestApp, credentials, token_of};

const CONFIRM: &str = "/api/v1/auth/email-confirmations";
const CONFIRM_AGAIN: &str = "/api/v1/auth/email-confirmations/requests";
const RESET: &str = "/api/v1/auth/password-resets";

async fn confirm(app: &TestApp, token: &str) -> Reply {
    app.client().post(CONFIRM, json!({"token": token})).await
}

async fn request(app: &TestApp, path: &str, email: &str) -> Reply {
    app.client().post(path, json!({"email": email})).await
}

/// Returns the claims of an access token.
fn claims(access_token: &str) -> Value {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let payload = access_token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn a_user_confirms_the_address_once_by_the_mailed_link() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    assert_eq!(claims(&ada.access_token)["email_verified"], json!(false));
    assert_eq!(claims(&ada.access_token)["amr"], json!(["pwd"]));
    let token = app.token("ada@example.com", ConfirmEmail).await;
    assert!(token.len() >= 22, "128 bits: {token}");
    confirm(&app, "q8kzq0m1J9Y0b7n3c5v2x8z4l6k1j3h5g7f9d2s4a6Q")
        .await
        .expect(400)
        .problem();
    let confirmed = confirm(&app, &token).await.expect(200).json();
    assert_eq!(confirmed, json!({"email": "ada@example.com", "needsPassword": false}));
    assert_eq!(confirm(&app, &token).await.expect(400).problem().0, "invalid-link");

    let current = app.current_user(&ada.access_token).await.expect(200).json();
    assert_eq!(current["emailConfirmed"], json!(true));
    let refreshed = Session::from_reply(&app.refresh(&ada.refresh_token).await.expect(200));
    assert_eq!(claims(&refreshed.access_token)["email_verified"], json!(true));
    let event = app.env.wait_for_event(|event| {
        let account = event.as_account();
        account.is_some_and(|account| account.version == 2)
    });
    assert!(event.await.as_account().unwrap().email_confirmed_at.is_some());
    app.stop().await;
}

#[tokio::test]
async fn a_link_expires_after_a_day_and_a_newer_one_confirms() {
    let app = TestApp::with_manual_clock().await;
    app.sign_up("ada@example.com").await;
    let first = app.token("ada@example.com", ConfirmEmail).await;
    app.env.clock.advance(std::time::Duration::from_hours(24));
    assert_eq!(confirm(&app, &first).await.expect(400).problem().0, "invalid-link");
    let _ = request(&app, CONFIRM_AGAIN, "ADA@example.com").await.expect(202);
    let second = token_of(&app.mail("ada@example.com", ConfirmEmail, 1).await);
    confirm(&app, &second).await.expect(200).json();
    app.stop().await;
}

#[tokio::test]
async fn a_sign_up_reveals_no_address_in_status_body_or_session() {
    let app = TestApp::concealing_addresses().await;
    let sign_up = async |email: &str| {
        app.client()
            .post(SIGN_UP, credentials(email, PASSWORD))
            .await
            .expect(202)
    };
    let first = sign_up("ada@example.com").await;
    assert!(first.headers.get("set-cookie").is_none());
    app.sign_in("ada@example.com", PASSWORD).await.expect(401).problem();
    let link = app.token("ada@example.com", ConfirmEmail).await;
    confirm(&app, &link).await.expect(200).json();
    let ada = Session::from_reply(&app.sign_in("ada@example.com", PASSWORD).await.expect(200));
    assert_eq!(claims(&ada.access_token)["email_verified"], json!(true));

    let (taken, new) = (sign_up("Ada@example.com").await, sign_up("bob@example.com").await);
    assert_eq!((&taken.text, taken.status), (&new.text, new.status));
    let names = |reply: &Reply| reply.headers.keys().cloned().collect::<HashSet<_>>();
    assert_eq!(names(&taken), names(&new));
    let told = app.mail("ada@example.com", EmailTaken, 0).await;
    assert_eq!(told.sealed_token, None);
    assert_eq!(told.account_id.to_string(), ada.user_id);
    app.stop().await;
}

#[tokio::test]
async fn of_several_sign_ups_with_one_address_the_confirmed_one_becomes_an_account_without_a_password() {
    let app = TestApp::concealing_addresses().await;
    for password in ["the password of another", PASSWORD] {
        let reply = app
            .client()
            .post(SIGN_UP, credentials("ada@example.com", password))
            .await;
        let _ = reply.expect(202);
    }
    let first = app.token("ada@example.com", ConfirmEmail).await;
    let second = token_of(&app.mail("ada@example.com", ConfirmEmail, 1).await);
    let confirmed = confirm(&app, &second).await.expect(200).json();
    assert_eq!(confirmed, json!({"email": "ada@example.com", "needsPassword": true}));
    confirm(&app, &first).await.expect(400).problem();
    for password in ["the password of another", PASSWORD] {
        app.sign_in("ada@example.com", password).await.expect(401).problem();
    }
    let token = app.token("ada@example.com", ResetPassword).await;
    let body = json!({"token": token, "password": "a password of my own"});
    let _ = app
        .client()
        .post("/api/v1/auth/password-resets/confirmations", body)
        .await
        .expect(200);
    let _ = app.sign_in("ada@example.com", "a password of my own").await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn a_sign_up_that_is_repeated_with_its_key_sends_one_mail() {
    let app = TestApp::concealing_addresses().await;
    let client = app.client().with("idempotency-key", "one-and-the-same");
    for _ in 0..3 {
        let _ = client
            .post(SIGN_UP, credentials("ada@example.com", PASSWORD))
            .await
            .expect(202);
    }
    for (email, password) in [("bob@example.com", PASSWORD), ("ada@example.com", "another password")] {
        let reply = client.post(SIGN_UP, credentials(email, password)).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
    }
    let _ = app
        .client()
        .post(SIGN_UP, credentials("carl@example.com", PASSWORD))
        .await
        .expect(202);
    app.mail("carl@example.com", ConfirmEmail, 0).await;
    assert_eq!(
        (app.mail_count("ada@example.com"), app.mail_count("bob@example.com")),
        (1, 0)
    );
    app.stop().await;
}

#[tokio::test]
async fn requests_for_mails_are_answered_alike_and_send_a_bounded_number() {
    let app = TestApp::new().await;
    app.sign_up("ada@example.com").await;
    app.mail("ada@example.com", ConfirmEmail, 0).await;
    let mut texts = HashSet::new();
    for path in [CONFIRM_AGAIN, RESET] {
        for email in ["ada@example.com", "nobody@example.com"] {
            for _ in 0..4 {
                let reply = request(&app, path, email).await.expect(202);
                texts.insert((path, reply.text));
            }
        }
    }
    assert_eq!(texts.len(), 2, "{texts:?}");
    // A later mail: all before it were decided.
    app.sign_up("zoe@example.com").await;
    let _ = request(&app, RESET, "zoe@example.com").await.expect(202);
    app.mail("zoe@example.com", ResetPassword, 0).await;
    assert_eq!(app.mail_count("ada@example.com"), 1 + 5);
    assert_eq!(app.mail_count("nobody@example.com"), 0);
    app.stop().await;
}

#[tokio::test]
async fn one_network_cannot_request_mails_without_limit() {
    let app = TestApp::with_settings(Settings {
        mails_per_address: 3,
        ..Settings::default()
    })
    .await;
    for number in 0..3 {
        let _ = request(&app, RESET, &format!("user{number}@example.com"))
            .await
            .expect(202);
    }
    let refused = request(&app, CONFIRM_AGAIN, "other@example.com").await.expect(429);
    assert_eq!(refused.text_at("/code"), "too-many-mails");
    assert!(refused.headers.contains_key("retry-after"));
    app.stop().await;
}

#[tokio::test]
async fn tokens_are_stored_as_hashes_and_sealed_in_events() {
    let app = TestApp::new().await;
    app.sign_up("ada@example.com").await;
    let mail = app.mail("ada@example.com", ConfirmEmail, 0).await;
    let token = token_of(&mail);
    assert!(!serde_json::to_string(&mail).unwrap().contains(&token));
    let path = app.env.database::<auth::Auth>();
    let env = app.stop().await;
    for file in [path.clone(), path.with_extension("db-wal")] {
        let stored = std::fs::read(file).unwrap_or_default();
        let found = stored.windows(token.len()).any(|window| window == token.as_bytes());
        assert!(!found, "the token is stored");
    }
    drop(env);
}

#[tokio::test]
async fn a_client_states_a_token_and_nothing_else() {
    let app = TestApp::new().await;
    let post = async |client: &Client, body: Value| client.post(CONFIRM, body).await.expect(422).error_fields();
    let client = app.client();
    assert_eq!(post(&client, json!({})).await, ["token"]);
    assert_eq!(post(&client, json!({"token": ""})).await, ["token"]);
    assert_eq!(post(&client, json!({"token": "a".repeat(101)})).await, ["token"]);
    assert_eq!(post(&client, json!({"token": "a", "user": 1})).await, ["user"]);
    let _ = client.get(CURRENT_USER).await.expect(401);
    app.stop().await;
}
