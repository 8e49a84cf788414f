use auth::Auth;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::TestEnv;

use crate::person::{REFRESH, SIGN_IN, SIGN_UP, credentials, start};

/// Each operation: method, path, whether one must be signed in.
fn operations() -> Vec<(Method, String, bool)> {
    let spec = chassis::spec::<Auth>();
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
async fn an_operation_for_people_who_are_signed_in_refuses_everybody_else() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    // A good token of the same issuer's name, by another key.
    let stranger = kit.token(values::UserId::new(kit.now()));
    let mut guarded = Vec::new();
    for (method, path, secured) in operations() {
        if !secured {
            continue;
        }
        for client in [
            auth.client(),
            auth.client().bearer("nonsense"),
            auth.client().bearer(&stranger),
            auth.client().with("cookie", format!("ticketing_session={stranger}")),
        ] {
            let reply = client.send(method.clone(), &path, None).await.expect(401);
            assert_eq!(reply.problem().0, "unauthorized");
            assert_eq!(reply.headers["www-authenticate"], "Bearer");
        }
        guarded.push(path);
    }
    assert_eq!(guarded, ["/api/v1/auth/signout", "/api/v1/auth/users/current"]);
    auth.stop().await;
}

#[tokio::test]
async fn no_other_site_signs_anybody_in() {
    let kit = TestEnv::new().await;
    let auth = start(&kit).await;
    for path in [SIGN_UP, SIGN_IN, REFRESH] {
        for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://attacker.example")] {
            let reply = auth
                .client()
                .with(name, value)
                .post(path, credentials("ada@example.com", "password"))
                .await;
            assert_eq!(reply.expect(403).text_at("/code"), "cross-site");
        }
    }
    auth.stop().await;
}

#[test]
fn the_document_tells_what_can_come() {
    let spec = chassis::spec::<Auth>();
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
            &["201", "400", "403", "409", "413", "415", "422", "429"][..],
        ),
        (
            "/signin",
            "post",
            &["200", "400", "401", "403", "413", "415", "422", "429"],
        ),
        ("/refresh", "post", &["200", "400", "401", "403", "413", "415", "422"]),
        ("/signout", "post", &["200", "401", "403"]),
        ("/users/current", "get", &["200", "401"]),
        ("/jwks.json", "get", &["200"]),
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
        ["FieldError", "Jwk"],
        "they stand inside others"
    );
}
