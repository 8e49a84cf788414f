use serde_json::json;
use testkit::TestEnv;
use token::Verifier;
use values::Clock;

use crate::person::{CURRENT, Given, JWKS, PASSWORD, SIGN_UP, cookie, credentials, sign_up, start};

#[tokio::test]
async fn whoever_signs_up_is_signed_in_for_all_services() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    let reply = auth
        .client()
        .post(SIGN_UP, credentials("Ada@Example.com", PASSWORD))
        .await
        .expect(201);
    let given = Given::of(&reply);
    let body = reply.json();
    assert_eq!(body["user"]["email"], "Ada@Example.com");
    assert_eq!(
        (&body["tokenType"], &body["expiresIn"]),
        (&json!("Bearer"), &json!(900))
    );
    assert!(!reply.text.contains(PASSWORD));

    let current = auth.client().bearer(&given.access).get(CURRENT).await.expect(200);
    assert_eq!(current.json(), json!({"id": given.user_id, "email": "Ada@Example.com"}));

    let keys = auth.client().get(JWKS).await.expect(200);
    assert_eq!(keys.headers["cache-control"], "public, max-age=60");
    let keys = serde_json::from_str(&keys.text).unwrap();
    let elsewhere = Verifier::with_fixed_keys(&keys, token::DEFAULT_ISSUER, token::DEFAULT_AUDIENCE, Clock::system());
    let known = elsewhere.verify(&given.access).await.unwrap();
    assert_eq!(known.user_id.to_string(), given.user_id);
    auth.stop().await;
}

#[tokio::test]
async fn a_page_gets_cookies_that_its_scripts_cannot_read() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    let reply = auth
        .client()
        .post(SIGN_UP, credentials("ada@example.com", PASSWORD))
        .await
        .expect(201);
    let given = Given::of(&reply);
    let (session, attributes) = cookie(&reply, "ticketing_session");
    assert_eq!(session, given.access);
    assert_eq!(attributes, "Path=/api; Max-Age=900; HttpOnly; SameSite=Lax; Secure");
    let (refresh, attributes) = cookie(&reply, "ticketing_refresh");
    assert_eq!(refresh, given.refresh);
    assert_eq!(
        attributes,
        "Path=/api/v1/auth; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure"
    );

    let page = auth.client().with("cookie", format!("ticketing_session={session}"));
    page.get(CURRENT).await.expect(200).json();
    auth.stop().await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    let reply = auth
        .client()
        .post(SIGN_UP, credentials("ada", "short"))
        .await
        .expect(422);
    let errors = reply.json()["errors"].clone();
    assert_eq!(errors[0]["field"], "email");
    assert_eq!(
        errors[1],
        json!({"field": "password", "message": "must have 8 to 128 characters"})
    );
    for (body, field) in [
        (json!({"email": "ada@example.com"}), "password"),
        (
            json!({"email": "ada@example.com", "password": PASSWORD, "admin": true}),
            "admin",
        ),
        (json!({"email": " ada@example.com", "password": PASSWORD}), "email"),
        (json!({"email": "ada@example.com", "password": 12_345_678}), "password"),
        (json!({"email": null, "password": PASSWORD}), "email"),
        (json!([]), "body"),
    ] {
        let reply = auth.client().post(SIGN_UP, body).await.expect(422);
        assert_eq!(reply.problem(), ("invalid-fields".to_owned(), field.to_owned()));
        assert!(!reply.text.contains(PASSWORD));
    }
    auth.client()
        .send(reqwest::Method::POST, SIGN_UP, Some("{".to_owned()))
        .await
        .expect(400)
        .problem();
    auth.client()
        .with("content-type", "text/plain")
        .post(SIGN_UP, json!({}))
        .await
        .expect(415)
        .problem();
    auth.stop().await;
}

#[tokio::test]
async fn one_address_has_one_account_however_it_is_spelled() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    sign_up(&auth, "Ada@Example.com").await;
    for email in ["Ada@Example.com", "ada@example.com", "ADA@EXAMPLE.COM"] {
        let reply = auth
            .client()
            .post(SIGN_UP, credentials(email, "another password"))
            .await
            .expect(409);
        assert_eq!(reply.problem(), ("email-taken".to_owned(), "email".to_owned()));
    }
    auth.stop().await;
}

#[tokio::test]
async fn only_its_owner_may_read_the_database() {
    use std::os::unix::fs::PermissionsExt;
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    sign_up(&auth, "ada@example.com").await;
    let database = kit.database::<auth::Auth>();
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", database.display());
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{file}"
        );
    }
    auth.stop().await;
}
