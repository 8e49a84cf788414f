//! Passwords: which are refused, how they are changed and reset.

use auth::Settings;
use events::AccountMailKind::{ConfirmEmail, PasswordChanged, ResetPassword};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::Reply;

use crate::test_app::{PASSWORD, SIGN_UP, Session, TestApp, credentials};

const RESET: &str = "/api/v1/auth/password-resets";
const SET: &str = "/api/v1/auth/password-resets/confirmations";
const CHANGE: &str = "/api/v1/auth/users/current/password";
const NEW: &str = "a better horse battery";

async fn reset_token(app: &TestApp, email: &str) -> String {
    let _ = app.client().post(RESET, json!({"email": email})).await.expect(202);
    app.token(email, ResetPassword).await
}

async fn set(app: &TestApp, token: &str, password: &str) -> Reply {
    app.client()
        .post(SET, json!({"token": token, "password": password}))
        .await
}

async fn change(app: &TestApp, access_token: &str, current: &str, new: &str) -> Reply {
    let body = json!({"currentPassword": current, "password": new});
    let client = app.client().bearer(access_token);
    client.send(Method::PUT, CHANGE, Some(body.to_string())).await
}

#[tokio::test]
async fn a_most_used_password_and_the_address_are_refused() {
    let app = TestApp::new().await;
    let refused = async |email: &str, password: &str| {
        let reply = app
            .client()
            .post(SIGN_UP, credentials(email, password))
            .await
            .expect(422);
        assert_eq!(reply.problem(), ("invalid-fields".to_owned(), "password".to_owned()));
        reply.json()["errors"][0]["message"].as_str().unwrap().to_owned()
    };
    for common in ["password", "12345678", "iloveyou1", "PASSWORD1", "football"] {
        assert_eq!(
            refused("ada@example.com", common).await,
            "must not be one of the most used passwords"
        );
    }
    for own in ["ada.lovelace@example.com", "ADA.LOVELACE@EXAMPLE.COM", "Ada.Lovelace"] {
        let message = refused("ada.lovelace@example.com", own).await;
        assert_eq!(message, "must not be the email address or its first part");
    }
    let ada = app.sign_up("ada.lovelace@example.com").await;
    for weak in ["password1", "ada.lovelace", "short"] {
        let reply = change(&app, &ada.access_token, PASSWORD, weak).await.expect(422);
        assert_eq!(reply.error_fields(), ["password"]);
    }
    let token = reset_token(&app, "ada.lovelace@example.com").await;
    for weak in ["password1", "ada.lovelace", "short"] {
        assert_eq!(set(&app, &token, weak).await.expect(422).error_fields(), ["password"]);
    }
    let _ = set(&app, &token, NEW).await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn a_forgotten_password_is_reset_once_and_ends_all_sessions() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    let other = Session::from_reply(&app.sign_in("ada@example.com", PASSWORD).await.expect(200));
    let token = reset_token(&app, "ada@example.com").await;
    let _ = set(&app, &token, NEW).await.expect(200);
    assert_eq!(
        set(&app, &token, PASSWORD).await.expect(400).problem().0,
        "invalid-link"
    );
    for session in [&ada, &other] {
        app.current_user(&session.access_token).await.expect(401).problem();
        app.refresh(&session.refresh_token).await.expect(401).problem();
    }
    app.sign_in("ada@example.com", PASSWORD).await.expect(401).problem();
    let reply = app.sign_in("ada@example.com", NEW).await.expect(200);
    assert_eq!(
        reply.json()["user"]["emailConfirmed"],
        json!(true),
        "the mail was received"
    );
    let reported = app.mail("ada@example.com", PasswordChanged, 0).await;
    assert_eq!(reported.sealed_token, None);
    app.stop().await;
}

#[tokio::test]
async fn a_reset_expires_after_half_an_hour_and_with_the_password() {
    let app = TestApp::with_manual_clock().await;
    let ada = app.sign_up("ada@example.com").await;
    let token = reset_token(&app, "ada@example.com").await;
    app.env.clock.advance(std::time::Duration::from_mins(30));
    assert_eq!(set(&app, &token, NEW).await.expect(400).problem().0, "invalid-link");

    app.sign_up("bob@example.com").await;
    let unused = reset_token(&app, "bob@example.com").await;
    let bob = Session::from_reply(&app.sign_in("bob@example.com", PASSWORD).await.expect(200));
    let _ = change(&app, &bob.access_token, PASSWORD, NEW).await.expect(200);
    set(&app, &unused, "yet another password").await.expect(400).problem();
    let confirmation = app.token("bob@example.com", ConfirmEmail).await;
    set(&app, &confirmation, NEW).await.expect(400).problem();
    drop(ada);
    app.stop().await;
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    let other = Session::from_reply(&app.sign_in("ada@example.com", PASSWORD).await.expect(200));
    let wrong = change(&app, &ada.access_token, "not the password", NEW)
        .await
        .expect(403);
    assert_eq!(wrong.problem().0, "wrong-password");
    let _ = app.current_user(&other.access_token).await.expect(200);
    let _ = change(&app, &ada.access_token, PASSWORD, NEW).await.expect(200);
    app.current_user(&other.access_token).await.expect(401).problem();
    let _ = app.current_user(&ada.access_token).await.expect(200);
    let _ = app.sign_in("ada@example.com", NEW).await.expect(200);
    app.mail("ada@example.com", PasswordChanged, 0).await;
    app.stop().await;
}

#[tokio::test]
async fn a_stolen_session_cannot_guess_the_password() {
    let app = TestApp::with_settings(Settings {
        failures_per_account: 3,
        ..Settings::default()
    })
    .await;
    let ada = app.sign_up("ada@example.com").await;
    let statuses: Vec<u16> = {
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(change(&app, &ada.access_token, "a guess", NEW).await.status.as_u16());
        }
        statuses
    };
    assert_eq!(statuses, [403, 403, 403, 429]);
    let refused = change(&app, &ada.access_token, PASSWORD, NEW).await.expect(429);
    assert_eq!(refused.json()["code"], Value::from("too-many-failures"));
    app.stop().await;
}
