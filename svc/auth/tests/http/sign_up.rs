use auth::Settings;
use poem::http::Method;
use serde_json::json;
use token::Verifier;
use values::Clock;

use crate::test_app::{CURRENT_USER, JWKS, PASSWORD, REFRESH, SIGN_IN, SIGN_UP, Session, TestApp, cookie, credentials};

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
        "email": "Ada@Example.com",
        "emailConfirmed": false,
        "name": null,
        "language": "en"
      },
      "accessToken": "[access token]",
      "tokenType": "Bearer",
      "expiresIn": 900,
      "refreshToken": "[random]",
      "deviceToken": "[random]"
    }
    "#);
    assert!(!reply.text.contains(PASSWORD));

    let current = app.current_user(&session.access_token).await.expect(200);
    assert_eq!(
        current.json(),
        json!({
            "id": session.user_id,
            "email": "Ada@Example.com",
            "emailConfirmed": false,
            "name": null,
            "language": "en",
        })
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
        let (session, attributes) = cookie(&reply, "__Host-ticketing_session");
        assert_eq!(attributes, "Path=/; Max-Age=900; HttpOnly; SameSite=Lax; Secure");
        let (refresh, attributes) = cookie(&reply, "__Host-ticketing_refresh");
        assert_eq!(attributes, "Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure");
        let user = reply.json()["user"].clone();
        assert_eq!(
            reply.json(),
            json!({"user": user, "expiresIn": 900}),
            "no token in the body"
        );
        assert!(!reply.text.contains(&session) && !reply.text.contains(&refresh));

        // The plain name: pages that signed in with the release before, and development.
        for name in ["__Host-ticketing_session", "ticketing_session"] {
            let page = app.client().with("cookie", format!("{name}={session}"));
            page.get(CURRENT_USER).await.expect(200).json();
            let duplicate = format!("{name}={session}; {name}={session}");
            app.client()
                .with("cookie", duplicate)
                .get(CURRENT_USER)
                .await
                .expect(401)
                .problem();
        }
    }
    app.stop().await;
}

#[tokio::test]
async fn without_tls_the_cookies_have_their_plain_names() {
    let settings = Settings {
        cookie_secure: false,
        ..Settings::default()
    };
    let app = TestApp::with_settings(settings).await;
    let mut body = credentials("ada@example.com", PASSWORD);
    body["delivery"] = json!("cookies");
    let reply = app.client().post(SIGN_UP, body).await.expect(201);
    let set: Vec<_> = reply.headers.get_all("set-cookie").iter().collect();
    assert_eq!(
        set.len(),
        5,
        "with that of the device, and those of earlier releases cleared"
    );
    let (_, attributes) = cookie(&reply, "ticketing_session");
    assert_eq!(attributes, "Path=/; Max-Age=900; HttpOnly; SameSite=Lax");
    let (refresh, _) = cookie(&reply, "ticketing_refresh");
    let page = app.client().with("cookie", format!("ticketing_refresh={refresh}"));
    page.send(Method::POST, REFRESH, None).await.expect(200).json();
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
    assert_eq!(reply.error_fields(), ["email", "password", "mail"]);
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
async fn sign_ups_of_a_network_are_limited_and_taken_addresses_are_not_found_out_faster_than_by_signing_in() {
    let settings = Settings {
        sign_ups_per_address: 5,
        failures_per_address: 3,
        ..Settings::default()
    };
    let app = TestApp::behind_a_proxy(settings).await;
    let sign_up = |address: &str, email: &str| {
        let client = app.client().with("x-forwarded-for", address);
        let body = credentials(email, PASSWORD);
        async move { client.post(SIGN_UP, body).await }
    };
    // One house of IPv6: four times the allowance of a network of 64 bits.
    for number in 0..20 {
        let address = format!("2001:db8:0:{:x}::1", number % 8);
        let reply = sign_up(&address, &format!("user{number}@example.com")).await;
        reply.expect(201).json();
    }
    let refused = sign_up("2001:db8:0:ff::1", "late@example.com").await.expect(429);
    assert_eq!(refused.text_at("/code"), "too-many-sign-ups");
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((3500..=3600).contains(&wait), "{wait}");
    sign_up("2001:db8:0:100::1", "next.house@example.com")
        .await
        .expect(201)
        .json();

    for _ in 0..3 {
        let taken = sign_up("192.0.2.1", "user0@example.com").await.expect(409);
        assert_eq!(taken.problem().0, "email-taken");
    }
    let refused = sign_up("192.0.2.1", "user1@example.com").await.expect(429);
    assert_eq!(refused.text_at("/code"), "too-many-failures");
    sign_up("192.0.2.2", "user1@example.com").await.expect(409).problem();
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
