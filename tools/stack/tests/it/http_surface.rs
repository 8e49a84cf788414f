//! What HTTP itself promises, at the front door and at each service: methods, documents, ids of requests.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::{Client, test_app::TestApp};

const UNKNOWN_ID: &str = "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e";

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Returns the methods that a path has: those documented, and HEAD beside GET.
fn documented(item: &Value) -> BTreeSet<String> {
    let methods = item.as_object().unwrap().keys().map(|method| method.to_uppercase());
    let mut methods: BTreeSet<_> = methods.collect();
    if methods.contains("GET") {
        methods.insert("HEAD".to_owned());
    }
    methods
}

/// Asserts that the methods in `allowed` work, and that every other one is refused with them.
async fn assert_methods(client: &Client, path: &str, allowed: &BTreeSet<String>) {
    for method in METHODS {
        let reply = client.send(method.parse().unwrap(), path, None).await;
        if allowed.contains(method) {
            assert_ne!(reply.status, 405, "{method} {path}: {}", reply.text);
            continue;
        }
        let reply = reply.expect(405);
        let allow = reply
            .headers
            .get("allow")
            .unwrap_or_else(|| panic!("{method} {path}: no Allow"));
        let allow = allow.to_str().unwrap().split(", ").map(ToOwned::to_owned).collect();
        assert_eq!(*allowed, allow, "{method} {path}");
        if method != "HEAD" {
            assert_eq!(reply.problem().0, "method-not-allowed", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_405_lists_the_methods_that_are_documented_for_its_path() {
    let (app, document) = (TestApp::shared(), stack::specs::merged());
    let client = app.client();
    for (path, item) in document["paths"].as_object().unwrap() {
        let parts = path
            .split('/')
            .map(|part| if part.starts_with('{') { UNKNOWN_ID } else { part });
        let path = parts.collect::<Vec<_>>().join("/");
        assert_methods(&client, &path, &documented(item)).await;
    }
}

#[tokio::test]
async fn pages_and_health_can_only_be_read() {
    let app = TestApp::shared();
    let read = BTreeSet::from(["GET".to_owned(), "HEAD".to_owned()]);
    for path in ["/docs", "/docs/swagger-ui.js", "/openapi.json", "/health"] {
        assert_methods(&app.client(), path, &read).await;
    }
    for service in &stack::SERVICES {
        let client = Client::new(app.service_url(service.name));
        for path in [
            "/docs",
            "/docs/swagger-ui.css",
            "/openapi.json",
            "/metrics",
            "/health/live",
            "/health/ready",
        ] {
            assert_methods(&client, path, &read).await;
            let _ = client.get(&format!("{path}/")).await.expect(404);
        }
    }
}

#[tokio::test]
async fn every_response_has_a_request_id_of_its_own() {
    let app = TestApp::shared();
    let mut ids = BTreeSet::new();
    let paths = [
        "/",
        "/docs",
        "/openapi.json",
        "/health",
        "/nowhere",
        "/api/v1/tickets",
        "/api/v1/orders",
        "/api/v1/tickets/%FF",
    ];
    for path in paths {
        let reply = app.client().get(path).await;
        let id = reply
            .headers
            .get("x-request-id")
            .unwrap_or_else(|| panic!("{path}: no id"));
        assert!(ids.insert(id.to_str().unwrap().to_owned()), "{path}");
    }
    let reply = app.client().post("/health", Value::Null).await;
    assert!(reply.headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn a_path_that_is_not_utf8_is_malformed_and_its_parameter_is_named() {
    let (app, document) = (TestApp::shared(), stack::specs::merged());
    let mut checked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let parameters: Vec<_> = path.split('/').filter(|part| part.starts_with('{')).collect();
        let Some(last) = parameters.last() else { continue };
        let name = last.trim_matches(['{', '}']);
        for undecodable in ["%FF", "%C3%28", "a%80"] {
            let path = path.replace(last, undecodable);
            let path = parameters
                .iter()
                .fold(path, |path, other| path.replace(other, UNKNOWN_ID));
            let method = item.as_object().unwrap().keys().next().unwrap().to_uppercase();
            let reply = app
                .client()
                .send(method.parse().unwrap(), &path, None)
                .await
                .expect(400);
            assert_eq!(
                reply.problem(),
                ("malformed".to_owned(), name.to_owned()),
                "{method} {path}"
            );
        }
        checked += 1;
    }
    assert!(checked >= 5, "{checked}");
}

#[tokio::test]
async fn documents_are_revalidated_and_compressed() {
    let app = TestApp::shared();
    let mut urls = vec![app.url()];
    urls.extend(stack::SERVICES.map(|service| app.service_url(service.name)));
    for url in urls {
        for path in ["/docs", "/docs/swagger-ui.js", "/docs/swagger-ui.css", "/openapi.json"] {
            let plain = Client::new(&url).get(path).await.expect(200);
            assert!(plain.headers.contains_key("cache-control"), "{url}{path}");
            assert_eq!(plain.headers["vary"], "accept-encoding", "{url}{path}");
            let etag = plain.headers["etag"].to_str().unwrap();
            let known = Client::new(&url)
                .with("if-none-match", etag)
                .get(path)
                .await
                .expect(304);
            assert_eq!(
                (known.headers["etag"].to_str().unwrap(), known.text.as_str()),
                (etag, "")
            );
            let head = Client::new(&url).send(Method::HEAD, path, None).await.expect(200);
            assert_eq!(head.headers["etag"], etag, "{url}{path}");
        }
        let script = reqwest::Client::new().get(format!("{url}/docs/swagger-ui.js"));
        let script = script.header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(script.headers()["content-encoding"], "gzip");
        let compressed = script.bytes().await.unwrap();
        assert!(
            compressed.starts_with(&[0x1f, 0x8b]) && compressed.len() < 600_000,
            "{}",
            compressed.len()
        );
        let page = Client::new(&url).get("/docs").await;
        assert!(
            page.text.starts_with("<!doctype html>") && page.text.len() < 4096,
            "{}",
            page.text
        );
        let document = Client::new(&url).get("/openapi.json").await.json();
        assert!(document["paths"].as_object().is_some_and(|paths| !paths.is_empty()));
    }
}

#[tokio::test]
async fn every_response_has_the_headers_that_protect_browsers() {
    let app = TestApp::shared();
    let service = Client::new(app.service_url("ticket"));
    for client in [app.client(), service] {
        for path in [
            "/",
            "/docs",
            "/openapi.json",
            "/health/live",
            "/api/v1/tickets",
            "/api/v1/nothing",
            "/nothing",
        ] {
            let reply = client.get(path).await;
            let is_page = reply.headers["content-type"].to_str().unwrap().starts_with("text/html") && path != "/docs";
            let referrer = if is_page { "same-origin" } else { "no-referrer" };
            for (name, part) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", referrer),
                ("permissions-policy", "geolocation=()"),
                ("content-security-policy", "frame-ancestors 'none'"),
                ("content-security-policy", "default-src 'none'"),
            ] {
                let values: Vec<_> = reply.headers.get_all(name).iter().collect();
                assert_eq!(values.len(), 1, "{path}: {name}");
                let value = values[0].to_str().unwrap();
                assert!(
                    value.contains(part) && !value.contains("unsafe"),
                    "{path}: {name}: {value}"
                );
            }
        }
        // A response of the server itself.
        let body = serde_json::json!({});
        let refused = client
            .send(Method::GET, "/api/v1/tickets", Some(body.to_string()))
            .await
            .expect(400);
        assert_eq!(refused.problem().0, "malformed");
        assert!(refused.headers.contains_key("content-security-policy"));
    }
    let page = app.client().get("/docs").await.expect(200);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self' 'sha256-"), "{policy}");
}
