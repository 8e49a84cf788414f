//! `limit` and `cursor` over HTTP.

#![expect(clippy::unwrap_used, clippy::unused_async, reason = "tests; handlers are async")]

use pagination::{Cursor, CursorScope, Limit};
use poem::{Endpoint, EndpointExt, IntoEndpoint, Request, http::StatusCode};
use poem_openapi::{OpenApi, OpenApiService, param::Query, payload::PlainText};

struct Api;

fn list(operation: &str, filter: Option<&str>) -> CursorScope {
    CursorScope::new(operation, &filter)
}

#[OpenApi]
impl Api {
    #[oai(path = "/", method = "get")]
    async fn list(
        &self,
        filter: Query<Option<String>>,
        limit: Query<Limit>,
        cursor: Query<Option<Cursor<i64>>>,
    ) -> Result<PlainText<String>, poem::Error> {
        let position = list("list", filter.0.as_deref()).position(cursor.0)?;
        Ok(PlainText(format!("{} after {position:?}", limit.items())))
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
        get(&format!("limit=7&cursor={}", list("list", None).cursor(42)))
            .await
            .1,
        "7 after Some(42)"
    );
}

#[tokio::test]
async fn a_cursor_belongs_to_one_list_and_one_filter() {
    let of_filter = list("list", Some("a")).cursor(42);
    assert_eq!(
        get(&format!("filter=a&cursor={of_filter}")).await.1,
        "20 after Some(42)"
    );
    for query in [
        format!("cursor={of_filter}"),
        format!("filter=b&cursor={of_filter}"),
        format!("filter=a&cursor={}", list("other", Some("a")).cursor(42)),
    ] {
        let (status, problem) = get(&query).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {problem}");
        let problem: serde_json::Value = serde_json::from_str(&problem).unwrap();
        assert_eq!(problem["errors"][0]["field"], "cursor", "{query}");
    }
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
    let limit = &spec["paths"]["/"]["get"]["parameters"][1];
    assert_eq!(limit["required"], false);
    assert_eq!(limit["schema"]["default"], 20);
}
