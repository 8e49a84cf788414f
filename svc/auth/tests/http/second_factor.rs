//! The second factor: enrolled, required to sign in, replaced by recovery codes, removed.

use std::time::Duration;

use auth::Auth;
use events::AccountMailKind::{ResetPassword, SecondFactorEnabled, SecondFactorWeakened};
use serde_json::{Value, json};
use testkit::Reply;
use totp_rs::{Builder, Secret, Totp};

use crate::test_app::{PASSWORD, Session, TestApp};

const FACTOR: &str = "/api/v1/auth/second-factor";
const CONFIRM: &str = "/api/v1/auth/second-factor/confirmations";
const CODES: &str = "/api/v1/auth/second-factor/recovery-codes";
const REMOVE: &str = "/api/v1/auth/second-factor/removals";
const SECOND_STEP: &str = "/api/v1/auth/signin/second-factor";
const HALF_A_MINUTE: Duration = Duration::from_secs(30);

/// A user with an authenticator.
struct Ada {
    session: Session,
    authenticator: Totp,
    recovery_codes: Vec<String>,
}

impl Ada {
    fn code(&self, app: &TestApp) -> String {
        let seconds = u64::try_from(app.env.now().seconds()).unwrap();
        self.authenticator.generate(seconds).to_string()
    }
}

/// Signs up a user and enables the second factor. The code is used.
async fn with_second_factor(app: &TestApp) -> Ada {
    let session = app.sign_up("ada@example.com").await;
    let client = app.client().bearer(&session.access_token);
    let enrolled = client.post(FACTOR, json!({"password": PASSWORD})).await.expect(200);
    let secret = Secret::try_from_base32(enrolled.text_at("/secret")).unwrap();
    let mut ada = Ada {
        session,
        authenticator: Builder::new().with_secret(secret).build().unwrap(),
        recovery_codes: Vec::new(),
    };
    let confirmed = client
        .post(CONFIRM, json!({"code": ada.code(app)}))
        .await
        .expect(200)
        .json();
    let codes = confirmed["recoveryCodes"].as_array().unwrap().iter();
    ada.recovery_codes = codes.map(|code| code.as_str().unwrap().to_owned()).collect();
    ada
}

/// Requests the first step, and returns the challenge.
async fn challenge(app: &TestApp) -> String {
    let reply = app.sign_in("ada@example.com", PASSWORD).await.expect(202);
    assert!(reply.headers.get("set-cookie").is_none());
    let body = reply.json();
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
    assert_eq!(body["expiresIn"], json!(300));
    reply.text_at("/challenge")
}

async fn second_step(app: &TestApp, challenge: &str, code: &str) -> Reply {
    app.client()
        .post(SECOND_STEP, json!({"challenge": challenge, "code": code}))
        .await
}

fn methods(access_token: &str) -> Value {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let payload = access_token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    claims["amr"].clone()
}

#[tokio::test]
async fn a_sign_in_needs_the_password_and_a_code() {
    let app = TestApp::with_manual_clock().await;
    let ada = with_second_factor(&app).await;
    assert_eq!(ada.recovery_codes.len(), 10);
    app.mail("ada@example.com", SecondFactorEnabled, 0).await;
    app.env.clock.advance(HALF_A_MINUTE);
    app.sign_in("ada@example.com", "a wrong password")
        .await
        .expect(401)
        .problem();
    let first = challenge(&app).await;
    let code = ada.code(&app);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(
        second_step(&app, &first, wrong).await.expect(401).problem().0,
        "wrong-code"
    );
    let signed_in = second_step(&app, &first, &code).await.expect(200);
    assert_eq!(signed_in.text_at("/user/email"), "ada@example.com");
    let session = Session::from_reply(&signed_in);
    assert_eq!(methods(&session.access_token), json!(["pwd", "otp", "mfa"]));
    let refreshed = Session::from_reply(&app.refresh(&session.refresh_token).await.expect(200));
    assert_eq!(methods(&refreshed.access_token), json!(["pwd", "otp", "mfa"]));
    let _ = app.current_user(&refreshed.access_token).await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn the_session_that_enabled_it_has_proved_it() {
    let app = TestApp::with_manual_clock().await;
    let ada = with_second_factor(&app).await;
    assert_eq!(methods(&ada.session.access_token), json!(["pwd"]));
    let refreshed = Session::from_reply(&app.refresh(&ada.session.refresh_token).await.expect(200));
    assert_eq!(methods(&refreshed.access_token), json!(["pwd", "otp", "mfa"]));
    let client = app.client().bearer(&refreshed.access_token);
    let status = client.get(FACTOR).await.expect(200).json();
    assert_eq!(
        (&status["enabled"], &status["recoveryCodesLeft"]),
        (&json!(true), &json!(10))
    );
    for path in [FACTOR, CONFIRM] {
        let body = if path == FACTOR {
            json!({"password": PASSWORD})
        } else {
            json!({"code": "000000"})
        };
        let reply = client.post(path, body).await.expect(409);
        assert_eq!(reply.problem().0, "second-factor-enabled");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_code_is_accepted_once_by_any_session() {
    let app = TestApp::with_manual_clock().await;
    let ada = with_second_factor(&app).await;
    let used = ada.code(&app);
    let first = challenge(&app).await;
    assert_eq!(
        second_step(&app, &first, &used).await.expect(401).problem().0,
        "wrong-code"
    );
    app.env.clock.advance(HALF_A_MINUTE);
    let code = ada.code(&app);
    let (one, other) = (challenge(&app).await, challenge(&app).await);
    let replies = tokio::join!(second_step(&app, &one, &code), second_step(&app, &other, &code));
    let mut statuses = [replies.0.status.as_u16(), replies.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401], "exactly one is signed in");
    app.stop().await;
}

#[tokio::test]
async fn a_challenge_expires_and_ends_with_the_password() {
    let app = TestApp::with_manual_clock().await;
    let ada = with_second_factor(&app).await;
    let old = challenge(&app).await;
    app.env.clock.advance(Duration::from_mins(5));
    let refused = second_step(&app, &old, &ada.code(&app)).await.expect(401);
    assert_eq!(refused.problem().0, "invalid-challenge");
    let fresh = challenge(&app).await;
    let reply = app
        .client()
        .post("/api/v1/auth/password-resets", json!({"email": "ada@example.com"}))
        .await;
    let _ = reply.expect(202);
    let token = app.token("ada@example.com", ResetPassword).await;
    let body = json!({"token": token, "password": "a better horse battery"});
    let _ = app
        .client()
        .post("/api/v1/auth/password-resets/confirmations", body)
        .await
        .expect(200);
    second_step(&app, &fresh, &ada.code(&app)).await.expect(401).problem();
    for forged in ["", ".", "nonsense", &fresh[..fresh.len() - 1]] {
        second_step(&app, forged, &ada.code(&app)).await.expect(401).problem();
    }
    let reply = app.sign_in("ada@example.com", "a better horse battery").await;
    let _ = reply.expect(202);
    app.stop().await;
}

#[tokio::test]
async fn wrong_codes_are_limited_and_the_right_password_resets_nothing() {
    let app = TestApp::with_manual_clock().await;
    let ada = with_second_factor(&app).await;
    app.env.clock.advance(HALF_A_MINUTE);
    let right = ada.code(&app);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for _ in 0..10 {
        let first = challenge(&app).await;
        second_step(&app, &first, wrong).await.expect(401).problem();
    }
    let first = challenge(&app).await;
    let refused = second_step(&app, &first, &right).await.expect(429);
    assert_eq!(refused.text_at("/code"), "too-many-failures");
    app.env.clock.advance(Duration::from_mins(15));
    let later = challenge(&app).await;
    let _ = second_step(&app, &later, &ada.code(&app)).await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn a_recovery_code_replaces_a_code_once_and_is_reported() {
    let app = TestApp::with_manual_clock().await;
    let ada = with_second_factor(&app).await;
    let recovery = &ada.recovery_codes[3];
    let first = challenge(&app).await;
    let signed_in = Session::from_reply(&second_step(&app, &first, &recovery.to_uppercase()).await.expect(200));
    assert_eq!(methods(&signed_in.access_token), json!(["pwd", "otp", "mfa"]));
    app.mail("ada@example.com", SecondFactorWeakened, 0).await;
    let again = challenge(&app).await;
    second_step(&app, &again, recovery).await.expect(401).problem();

    app.env.clock.advance(HALF_A_MINUTE);
    let client = app.client().bearer(&signed_in.access_token);
    let body = json!({"password": PASSWORD, "code": ada.code(&app)});
    let renewed = client.post(CODES, body).await.expect(200).json();
    let renewed = renewed["recoveryCodes"].as_array().unwrap().clone();
    assert_eq!(renewed.len(), 10);
    let third = challenge(&app).await;
    second_step(&app, &third, &ada.recovery_codes[4])
        .await
        .expect(401)
        .problem();
    let _ = second_step(&app, &third, renewed[0].as_str().unwrap())
        .await
        .expect(200);
    app.stop().await;
}

#[tokio::test]
async fn it_is_removed_with_password_and_code_only() {
    let app = TestApp::with_manual_clock().await;
    let ada = with_second_factor(&app).await;
    app.env.clock.advance(HALF_A_MINUTE);
    let client = app.client().bearer(&ada.session.access_token);
    let code = ada.code(&app);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for (password, code, problem) in [
        ("not the password", &*code, "wrong-password"),
        (PASSWORD, wrong, "wrong-code"),
    ] {
        let reply = client
            .post(REMOVE, json!({"password": password, "code": code}))
            .await
            .expect(403);
        assert_eq!(reply.problem().0, problem);
    }
    let removed = client
        .post(REMOVE, json!({"password": PASSWORD, "code": code}))
        .await
        .expect(200);
    assert_eq!(removed.json()["enabled"], json!(false));
    app.mail("ada@example.com", SecondFactorWeakened, 0).await;
    let session = Session::from_reply(&app.sign_in("ada@example.com", PASSWORD).await.expect(200));
    assert_eq!(methods(&session.access_token), json!(["pwd"]));
    let reply = client
        .post(REMOVE, json!({"password": PASSWORD, "code": "000000"}))
        .await
        .expect(409);
    assert_eq!(reply.problem().0, "no-second-factor");
    app.stop().await;
}

#[tokio::test]
async fn an_enrolment_needs_the_password_and_is_not_required_until_it_is_confirmed() {
    let app = TestApp::with_manual_clock().await;
    let ada = app.sign_up("ada@example.com").await;
    let client = app.client().bearer(&ada.access_token);
    let refused = client
        .post(FACTOR, json!({"password": "not the password"}))
        .await
        .expect(403);
    assert_eq!(refused.problem().0, "wrong-password");
    let reply = client.post(CONFIRM, json!({"code": "123456"})).await.expect(409);
    assert_eq!(reply.problem().0, "no-second-factor");
    let enrolled = client.post(FACTOR, json!({"password": PASSWORD})).await.expect(200);
    assert!(
        enrolled
            .text_at("/uri")
            .starts_with("otpauth://totp/Ticketing:ada%40example.com?")
    );
    assert!(enrolled.text_at("/qrSvg").contains("<svg"));
    let again = client.post(FACTOR, json!({"password": PASSWORD})).await.expect(200);
    assert_ne!(enrolled.text_at("/secret"), again.text_at("/secret"));
    let _ = app.sign_in("ada@example.com", PASSWORD).await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn secrets_and_recovery_codes_are_not_in_the_database() {
    let app = TestApp::with_manual_clock().await;
    let ada = with_second_factor(&app).await;
    let secret = ada.authenticator.secret().as_bytes().to_vec();
    let path = app.env.database::<Auth>();
    let env = app.stop().await;
    for file in [path.clone(), path.with_extension("db-wal")] {
        let stored = std::fs::read(file).unwrap_or_default();
        let contains = |text: &[u8]| stored.windows(text.len()).any(|window| window == text);
        assert!(!contains(&secret), "the secret is stored");
        assert!(!ada.recovery_codes.iter().any(|code| contains(code.as_bytes())));
    }
    drop(env);
}

#[tokio::test]
async fn a_deletion_needs_a_code() {
    let app = TestApp::with_manual_clock().await;
    let ada = with_second_factor(&app).await;
    let client = app.client().bearer(&ada.session.access_token);
    let deletion = "/api/v1/auth/users/current/deletion";
    let without = client.post(deletion, json!({"password": PASSWORD})).await.expect(422);
    without.problem();
    assert_eq!(without.text_at("/errors/0/field"), "code");
    let body = json!({"password": PASSWORD, "code": "000000"});
    assert_eq!(client.post(deletion, body).await.expect(403).problem().0, "wrong-code");
    app.env.clock.advance(HALF_A_MINUTE);
    let body = json!({"password": PASSWORD, "code": ada.code(&app)});
    let _ = client.post(deletion, body).await.expect(202);
    app.stop().await;
}
