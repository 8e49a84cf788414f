use serde_json::json;
use token::Verifier;
use values::Clock;

use crate::test_app::{CURRENT_USER, JWKS, PASSWORD, SIGN_IN, SIGN_UP, Session, TestApp, cookie, credentials};

#[tokio::test]
async fn a_new_user_is_signed_in_for_all_services() {
    let app = TestApp::new().await;
    let reply = app
        .client()
        .post(SIGN_UP, credentials("Ada@Example.com", PASSWORD))
        .await
        .expect(201);
    let session = Session::from_reply(&reply);
    insta::assert_json_snapshot!(reply.stable_json(), @r#"
    {
      "user": {
        "id": "[id]",
        "email": "Ada@Example.com"
      },
      "accessToken": "[access token]",
      "tokenType": "Bearer",
      "expiresIn": 900,
      "refreshToken": "[random]"
    }
    "#);
    assert!(!reply.text.contains(PASSWORD));

    let current = app.current_user(&session.access_token).await.expect(200);
    assert_eq!(
        current.json(),
        json!({"id": session.user_id, "email": "Ada@Example.com"})
    );

    let keys = app.client().get(JWKS).await.expect(200);
    assert_eq!(keys.headers["cache-control"], "public, max-age=60");
    let keys = serde_json::from_str(&keys.text).unwrap();
    let verifier = Verifier::with_fixed_keys(&keys, token::DEFAULT_ISSUER, token::DEFAULT_AUDIENCE, Clock::system());
    let known = verifier.verify(&session.access_token).await.unwrap();
    assert_eq!(known.user_id.to_string(), session.user_id);
    app.stop().await;
}

#[tokio::test]
async fn the_tokens_of_a_page_cannot_be_read_by_scripts() {
    let app = TestApp::new().await;
    let mut body = credentials("ada@example.com", PASSWORD);
    body["delivery"] = json!("cookies");
    for (path, status) in [(SIGN_UP, 201), (SIGN_IN, 200)] {
        let reply = app.client().post(path, body.clone()).await.expect(status);
        let (session, attributes) = cookie(&reply, "ticketing_session");
        assert_eq!(attributes, "Path=/api; Max-Age=900; HttpOnly; SameSite=Lax; Secure");
        let (refresh, attributes) = cookie(&reply, "ticketing_refresh");
        assert_eq!(
            attributes,
            "Path=/api/v1/auth; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure"
        );
        let user = reply.json()["user"].clone();
        assert_eq!(
            reply.json(),
            json!({"user": user, "expiresIn": 900}),
            "no token in the body"
        );
        assert!(!reply.text.contains(&session) && !reply.text.contains(&refresh));

        let page = app.client().with("cookie", format!("ticketing_session={session}"));
        page.get(CURRENT_USER).await.expect(200).json();
    }
    app.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_ask_for_cookies_gets_none() {
    let app = TestApp::new().await;
    for delivery in [None, Some("json")] {
        let mut body = credentials(&format!("ada{}@example.com", delivery.is_some()), PASSWORD);
        if let Some(delivery) = delivery {
            body["delivery"] = json!(delivery);
        }
        for (path, status) in [(SIGN_UP, 201), (SIGN_IN, 200)] {
            let reply = app.client().post(path, body.clone()).await.expect(status);
            assert!(!Session::from_reply(&reply).access_token.is_empty());
            assert!(!reply.headers.contains_key("set-cookie"), "{path}");
        }
    }
    let mut body = credentials("bob@example.com", PASSWORD);
    for other in [json!("cookie"), json!("JSON"), json!(["json"]), json!(null)] {
        body["delivery"] = other;
        let reply = app.client().post(SIGN_UP, body.clone()).await.expect(422);
        assert_eq!(reply.problem(), ("invalid-fields".to_owned(), "delivery".to_owned()));
    }
    app.stop().await;
}

#[tokio::test]
async fn all_invalid_fields_are_reported_at_once() {
    let app = TestApp::new().await;
    let reply = app
        .client()
        .post(SIGN_UP, credentials("ada", "short"))
        .await
        .expect(422);
    insta::assert_json_snapshot!(reply.stable_json(), @r#"
    {
      "type": "urn:ticketing:problem:invalid-fields",
      "title": "Some fields are not valid",
      "status": 422,
      "errors": [
        {
          "field": "email",
          "message": "must be an email address such as ada@example.com"
        },
        {
          "field": "password",
          "message": "must have 8 to 128 characters"
        }
      ]
    }
    "#);
    let reply = app
        .client()
        .post(SIGN_UP, json!({"mail": "ada@example.com"}))
        .await
        .expect(422);
    let errors = reply.json()["errors"].clone();
    let fields = errors
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap());
    assert_eq!(fields.collect::<Vec<_>>(), ["email", "password", "mail"]);
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
        let reply = app.client().post(SIGN_UP, body).await.expect(422);
        assert_eq!(reply.problem(), ("invalid-fields".to_owned(), field.to_owned()));
        assert!(!reply.text.contains(PASSWORD));
    }
    app.client()
        .send(reqwest::Method::POST, SIGN_UP, Some("{".to_owned()))
        .await
        .expect(400)
        .problem();
    app.client()
        .with("content-type", "text/plain")
        .post(SIGN_UP, json!({}))
        .await
        .expect(415)
        .problem();
    app.stop().await;
}

#[tokio::test]
async fn one_address_has_one_account_however_it_is_spelled() {
    let app = TestApp::new().await;
    app.sign_up("Ada@Example.com").await;
    for email in ["Ada@Example.com", "ada@example.com", "ADA@EXAMPLE.COM"] {
        let reply = app
            .client()
            .post(SIGN_UP, credentials(email, "another password"))
            .await
            .expect(409);
        assert_eq!(reply.problem(), ("email-taken".to_owned(), "email".to_owned()));
    }
    app.stop().await;
}

#[tokio::test]
async fn only_its_owner_can_read_the_database_file() {
    use std::os::unix::fs::PermissionsExt;
    let app = TestApp::new().await;
    app.sign_up("ada@example.com").await;
    let database = app.env.database::<auth::Auth>();
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", database.display());
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600,
            "{file}"
        );
    }
    app.stop().await;
}
