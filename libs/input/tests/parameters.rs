//! Parameters and headers over HTTP.
#![expect(clippy::unwrap_used, clippy::unused_async, reason = "tests; handlers are async")]

use std::fmt::Display;

use input::{Header, Parameter, ParameterRule, Query, Strict};
use poem::{
    Endpoint, EndpointExt, IntoEndpoint, Request,
    http::{HeaderValue, Method},
};
use poem_openapi::{OpenApi, OpenApiService, param::Path, payload::PlainText, registry::MetaSchema};
use serde_json::Value;

struct Tags;

impl ParameterRule for Tags {
    type Value = Vec<String>;

    fn schema() -> MetaSchema {
        MetaSchema::new("string")
    }

    fn parse(text: &str) -> Result<Vec<String>, impl Display> {
        let tags = text.split(',').map(|tag| tag.trim().to_owned()).collect::<Vec<_>>();
        (!tags.iter().any(String::is_empty))
            .then_some(tags)
            .ok_or("must be tags")
    }
}

fn yes() -> bool {
    true
}

struct Api;

#[OpenApi(prefix_path = "/items")]
impl Api {
    #[oai(path = "/:itemId", method = "get", operation_id = "read")]
    async fn read(
        &self,
        #[oai(name = "itemId")] item: Path<String>,
        filter: Query<Option<String>>,
        page: Query<Option<u32>>,
        #[oai(default = "yes")] exact: Query<bool>,
        #[oai(name = "If-Match")] tags: Header<Option<Parameter<Tags>>>,
        #[oai(name = "Idempotency-Key")] key: Header<Option<String>>,
    ) -> PlainText<String> {
        let (tags, paging) = (tags.0.map(|tags| tags.0), (page.0, exact.0));
        let paging = if paging == (None, true) {
            String::new()
        } else {
            format!(" {paging:?}")
        };
        PlainText(format!("{} {:?} {tags:?} {:?}{paging}", item.0, filter.0, key.0))
    }

    #[oai(path = "/", method = "get", operation_id = "search")]
    async fn search(
        &self,
        word: Query<String>,
        #[oai(name = "X-Signature")] signature: Header<Parameter<Tags>>,
    ) -> PlainText<String> {
        PlainText(format!("{} {:?}", word.0, signature.0.0))
    }

    #[oai(path = "/:itemId", method = "delete", operation_id = "remove")]
    async fn remove(&self, #[oai(name = "itemId")] item: Path<String>) -> PlainText<String> {
        PlainText(item.0)
    }
}

async fn send(method: Method, uri: &str, headers: &[(&'static str, &[u8])]) -> Result<String, (u16, Vec<String>)> {
    let app = OpenApiService::new(Strict(Api), "test", "1")
        .into_endpoint()
        .catch_all_error(|error| async { problem::from_error(error, |_| None) });
    let mut request = Request::builder().method(method).uri(uri.parse().unwrap()).finish();
    for (name, value) in headers {
        request
            .headers_mut()
            .append(*name, HeaderValue::from_bytes(value).unwrap());
    }
    let response = app.get_response(request).await;
    let status = response.status().as_u16();
    let body = response.into_body().into_string().await.unwrap();
    if status == 200 {
        return Ok(body);
    }
    let problem: Value = serde_json::from_str(&body).unwrap();
    let errors = problem["errors"].as_array().unwrap().iter();
    let fields = errors.map(|error| error["field"].as_str().unwrap().to_owned());
    assert!(!problem.to_string().contains("parse"), "{problem}");
    Err((status, fields.collect()))
}

fn named(fields: &[&str]) -> Result<String, (u16, Vec<String>)> {
    Err((400, fields.iter().map(ToString::to_string).collect()))
}

#[tokio::test]
async fn a_parameter_that_the_operation_does_not_have_is_named() {
    for (query, reply) in [
        ("", Ok("7 None None None".to_owned())),
        ("?", Ok("7 None None None".to_owned())),
        ("?&", Ok("7 None None None".to_owned())),
        ("?filter=a%20b+c", Ok("7 Some(\"a b c\") None None".to_owned())),
        ("?%66ilter=a", Ok("7 Some(\"a\") None None".to_owned())),
        ("?filtre=a", named(&["filtre"])),
        ("?Filter=a", named(&["Filter"])),
        ("?filter[]=a", named(&["filter[]"])),
        ("?itemId=8", named(&["itemId"])),
        ("?x", named(&["x"])),
        ("?=", named(&[""])),
        ("?x=1&filter=a&x=2&y=3", named(&["x", "y"])),
        ("?filter=a&filter=b&filter=c", named(&["filter"])),
        ("?filter=a&%66ilter=a", named(&["filter"])),
        ("?filter=%ff", named(&["filter"])),
        ("?%ff=1", named(&["query"])),
    ] {
        assert_eq!(
            send(Method::GET, &format!("/items/7{query}"), &[]).await,
            reply,
            "{query}"
        );
    }
    let other = send(Method::DELETE, "/items/7?filter=a", &[]).await;
    assert_eq!(other, named(&["filter"]), "it is a parameter of another operation");
}

#[tokio::test]
async fn a_header_that_cannot_be_read_is_not_taken_for_absent() {
    for name in [
        "If-Match",
        "Idempotency-Key",
        "Origin",
        "Sec-Fetch-Site",
        "Host",
        "Content-Type",
        "Content-Encoding",
        "Accept",
    ] {
        for value in ["ключ".as_bytes(), b"\"\xe4\""] {
            let name: &'static str = Box::leak(name.to_lowercase().into_boxed_str());
            let fields = send(Method::GET, "/items/7", &[(name, value)]).await.unwrap_err();
            assert_eq!((fields.0, fields.1[0].to_lowercase().as_str()), (400, name));
        }
    }
    let not_read = send(Method::GET, "/items/7", &[("x-anything", "ä".as_bytes())]).await;
    assert!(not_read.is_ok());
}

#[tokio::test]
async fn a_header_with_one_value_comes_once_and_a_list_may_come_in_lines() {
    let twice = send(
        Method::GET,
        "/items/7",
        &[("idempotency-key", b"a"), ("idempotency-key", b"b")],
    )
    .await;
    assert_eq!(twice, named(&["Idempotency-Key"]));
    let lines = send(Method::GET, "/items/7", &[("if-match", b"a, b"), ("if-match", b"c")]).await;
    assert_eq!(lines.unwrap(), "7 None Some([\"a\", \"b\", \"c\"]) None");
    let invalid = send(Method::GET, "/items/7", &[("if-match", b"a"), ("if-match", b"")]).await;
    assert_eq!(invalid, named(&["If-Match"]));
}

#[tokio::test]
async fn all_invalid_parameters_and_headers_are_named_at_once() {
    let path = "/items/7?exact=maybe&filter=a&filter=b&page=1e400&other=1&page2=%ff";
    let all = send(
        Method::GET,
        path,
        &[
            ("if-match", b",,"),
            ("idempotency-key", b"a"),
            ("idempotency-key", b"b"),
        ],
    )
    .await;
    assert_eq!(
        all,
        named(&[
            "filter",
            "other",
            "page2",
            "page",
            "exact",
            "If-Match",
            "Idempotency-Key"
        ])
    );
    let both = send(Method::GET, "/items/7?exact=&page=x", &[]).await;
    assert_eq!(both, named(&["page", "exact"]), "an empty value is a value");
    let valid = send(Method::GET, "/items/7?page=3&exact=false", &[]).await;
    assert_eq!(valid.unwrap(), "7 None None None (Some(3), false)");
}

#[tokio::test]
async fn required_parameters_that_are_missing_are_named_along_with_the_others() {
    let missing = send(Method::GET, "/items?words=a", &[]).await;
    assert_eq!(missing, named(&["words", "word", "X-Signature"]));
    let found = send(Method::GET, "/items?word=a", &[("x-signature", b"b")]).await;
    assert_eq!(found.unwrap(), "a [\"b\"]");
}

struct Undeclared;

#[OpenApi]
impl Undeclared {
    #[oai(path = "/", method = "get", operation_id = "undeclared")]
    async fn undeclared(&self, filter: poem_openapi::param::Query<Option<String>>) -> PlainText<String> {
        PlainText(format!("{:?}", filter.0))
    }
}

#[test]
#[should_panic = "filter is not declared as input::Query or input::Header"]
fn an_operation_declares_its_parameters_with_this_library() {
    let _endpoint = OpenApiService::new(Strict(Undeclared), "test", "1").into_endpoint();
}
