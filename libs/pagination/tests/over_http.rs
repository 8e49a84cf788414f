//! `limit` and `cursor` over HTTP.

#![expect(clippy::unwrap_used, clippy::unused_async, reason = "tests; handlers are async")]

use pagination::{Cursor, Limit};
use poem::{Endpoint, EndpointExt, IntoEndpoint, Request, http::StatusCode};
use poem_openapi::{OpenApi, OpenApiService, param::Query, payload::PlainText};

struct Api;

#[OpenApi]
impl Api {
    #[oai(path = "/", method = "get")]
    async fn list(&self, limit: Query<Limit>, cursor: Query<Option<Cursor<i64>>>) -> PlainText<String> {
        PlainText(format!("{} after {:?}", limit.items(), cursor.0.map(|cursor| cursor.0)))
    }
}

async fn get(query: &str) -> (StatusCode, String) {
    let app = OpenApiService::new(Api, "test", "1")
        .into_endpoint()
        .catch_all_error(|error| async { problem::from_error(error, |_| None) });
    let request = Request::builder().uri(format!("/?{query}").parse().unwrap()).finish();
    let response = app.get_response(request).await;
    (response.status(), response.into_body().into_string().await.unwrap())
}

#[tokio::test]
async fn both_parameters_are_optional() {
    assert_eq!(get("").await, (StatusCode::OK, "20 after None".to_owned()));
    assert_eq!(
        get(&format!("limit=7&cursor={}", Cursor(42))).await.1,
        "7 after Some(42)"
    );
}

#[tokio::test]
async fn an_invalid_parameter_is_named() {
    for (query, field, message) in [
        ("limit=0", "limit", "must be a whole number from 1 to 100"),
        ("limit=101", "limit", "must be a whole number from 1 to 100"),
        ("limit=", "limit", "must be a whole number from 1 to 100"),
        (
            "cursor=nonsense",
            "cursor",
            "must be a nextCursor of this list, as it was answered",
        ),
        (
            "cursor=",
            "cursor",
            "must be a nextCursor of this list, as it was answered",
        ),
    ] {
        let (status, problem) = get(query).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {problem}");
        let problem: serde_json::Value = serde_json::from_str(&problem).unwrap();
        assert_eq!(
            problem["errors"],
            serde_json::json!([{"field": field, "message": message}]),
            "{query}"
        );
    }
}

#[test]
fn the_openapi_document_has_the_bounds() {
    let spec = OpenApiService::new(Api, "test", "1").spec();
    let spec: serde_json::Value = serde_json::from_str(&spec).unwrap();
    let limit = &spec["paths"]["/"]["get"]["parameters"][0];
    assert_eq!(limit["required"], false);
    assert_eq!(limit["schema"]["default"], 20);
}
