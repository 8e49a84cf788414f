use crate::test_app::{REFRESH, SIGN_IN, SIGN_UP, TestApp, credentials};
use auth::Auth;
use reqwest::Method;
use serde_json::{Value, json};

/// Each operation: method, path, and whether it requires a signed-in user.
fn operations() -> Vec<(Method, String, bool)> {
    let spec = chassis::openapi_document::<Auth>();
    let mut operations = Vec::new();
    for (path, item) in spec["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let secured = operation["security"]
                .as_array()
                .is_some_and(|schemes| !schemes.is_empty());
            operations.push((method.to_uppercase().parse().unwrap(), path.clone(), secured));
        }
    }
    operations
}

#[tokio::test]
async fn an_operation_for_signed_in_users_refuses_all_other_requests() {
    let app = TestApp::new().await;
    // A token with the right issuer, signed with another key.
    let foreign_token = app.env.token(values::UserId::new(app.env.now()));
    let mut secured_paths = Vec::new();
    for (method, path, secured) in operations() {
        if !secured {
            continue;
        }
        for client in [
            app.client(),
            app.client().bearer("nonsense"),
            app.client().bearer(&foreign_token),
            app.client()
                .with("cookie", format!("ticketing_session={foreign_token}")),
            app.client()
                .with("cookie", format!("ticketing_refresh={foreign_token}")),
        ] {
            let reply = client.send(method.clone(), &path, None).await.expect(401);
            assert_eq!(reply.problem().0, "unauthorized");
            assert_eq!(reply.headers["www-authenticate"], "Bearer");
        }
        secured_paths.push(path);
    }
    let expected = [
        "email-changes",
        "personal-data",
        "second-factor",
        "second-factor",
        "second-factor/confirmations",
        "second-factor/recovery-codes",
        "second-factor/removals",
        "sessions",
        "sessions",
        "sessions/{id}",
        "signout",
        "users/current",
        "users/current",
        "users/current/deletion",
        "users/current/deletion",
        "users/current/deletion",
        "users/current/password",
    ]
    .into_iter();
    secured_paths.sort_unstable();
    assert_eq!(
        secured_paths,
        expected.map(|path| format!("/api/v1/auth/{path}")).collect::<Vec<_>>()
    );
    app.stop().await;
}

#[tokio::test]
async fn another_site_cannot_sign_a_user_in() {
    let app = TestApp::new().await;
    for path in [SIGN_UP, SIGN_IN, REFRESH] {
        for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://attacker.example")] {
            let reply = app
                .client()
                .with(name, value)
                .post(path, credentials("ada@example.com", "password"))
                .await;
            assert_eq!(reply.expect(403).text_at("/code"), "cross-site");
        }
    }
    app.stop().await;
}

#[test]
fn the_api_document_lists_every_status() {
    let spec = chassis::openapi_document::<Auth>();
    let statuses = |path: &str, method: &str| -> Vec<String> {
        let responses = &spec["paths"][format!("/api/v1/auth{path}")][method]["responses"];
        let mut statuses = responses.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        statuses.sort_unstable();
        statuses
    };
    let common = ["500", "503"];
    for (path, method, expected) in [
        (
            "/signup",
            "post",
            &["201", "202", "400", "403", "408", "409", "413", "415", "422", "429"][..],
        ),
        (
            "/signin",
            "post",
            &["200", "202", "400", "401", "403", "408", "413", "415", "422", "429"],
        ),
        (
            "/refresh",
            "post",
            &["200", "400", "401", "403", "408", "413", "415", "422"],
        ),
        ("/signout", "post", &["200", "400", "401", "403"]),
        ("/users/current", "get", &["200", "400", "401"]),
        ("/personal-data", "get", &["200", "400", "401"]),
        (
            "/users/current",
            "patch",
            &["200", "400", "401", "403", "408", "413", "415", "422"],
        ),
        (
            "/email-confirmations",
            "post",
            &["200", "400", "403", "408", "413", "415", "422"],
        ),
        (
            "/password-resets",
            "post",
            &["202", "400", "403", "408", "413", "415", "422", "429"],
        ),
        (
            "/password-resets/confirmations",
            "post",
            &["200", "400", "403", "408", "413", "415", "422", "429"],
        ),
        (
            "/users/current/password",
            "put",
            &["200", "400", "401", "403", "408", "413", "415", "422", "429"],
        ),
        (
            "/email-changes",
            "post",
            &["202", "400", "401", "403", "408", "413", "415", "422", "429"],
        ),
        (
            "/signin/second-factor",
            "post",
            &["200", "400", "401", "403", "408", "413", "415", "422", "429"],
        ),
        (
            "/second-factor",
            "post",
            &["200", "400", "401", "403", "408", "409", "413", "415", "422", "429"],
        ),
        ("/sessions", "get", &["200", "400", "401"]),
        ("/sessions", "delete", &["200", "400", "401", "403"]),
        ("/sessions/{id}", "delete", &["200", "400", "401", "403", "404"]),
        ("/jwks.json", "get", &["200", "400"]),
    ] {
        assert_eq!(statuses(path, method), [expected, &common].concat(), "{path}");
    }
    let sign_up = &spec["paths"]["/api/v1/auth/signup"]["post"];
    assert_eq!(sign_up["requestBody"]["required"], json!(true));
    assert_eq!(sign_up["parameters"][0]["name"], "Idempotency-Key");
    assert!(sign_up["responses"]["201"]["headers"]["Set-Cookie"].is_object());
    let schemas = spec["components"]["schemas"].as_object().unwrap();
    let without_example = schemas
        .iter()
        .filter(|(_, schema)| schema["example"] == Value::Null)
        .map(|(name, _)| name);
    assert_eq!(
        without_example.collect::<Vec<_>>(),
        [
            "DeletionObstacle",
            "DeletionStatus",
            "EmailChangeStatus",
            "FieldError",
            "Jwk",
            "Language"
        ],
        "they are parts of others"
    );
}
