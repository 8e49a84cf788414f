//! Every operation of the OpenAPI document: without a token, and with invalid paths, queries, headers and bodies.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::{Client, Reply, test_app::TestApp};

/// An operation of the OpenAPI document.
pub(crate) struct Operation<'a> {
    /// `POST /api/v1/orders`.
    pub(crate) name: String,
    pub(crate) spec: &'a Value,
    pub(crate) document: &'a Value,
    pub(crate) method: Method,
    path: &'a str,
}

pub(crate) fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().unwrap().iter();
    let of_path = paths.flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, spec)| (path, method, spec))
    });
    of_path
        .map(|(path, method, spec)| {
            let method: Method = method.to_uppercase().parse().unwrap();
            Operation {
                name: format!("{method} {path}"),
                spec,
                document,
                method,
                path,
            }
        })
        .collect()
}

impl Operation<'_> {
    pub(crate) fn id(&self) -> &str {
        self.spec["operationId"]
            .as_str()
            .unwrap_or_else(|| panic!("{}: no operationId", self.name))
    }

    pub(crate) fn is_secured(&self) -> bool {
        self.spec["security"]
            .as_array()
            .is_some_and(|schemes| !schemes.is_empty())
    }

    pub(crate) fn has_body(&self) -> bool {
        self.spec.get("requestBody").is_some()
    }

    /// Returns the names of its parameters in `path`, `query` or `header`.
    pub(crate) fn parameters(&self, location: &str) -> Vec<&str> {
        let all = self.spec["parameters"].as_array().into_iter().flatten();
        all.filter(|parameter| parameter["in"] == location)
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect()
    }

    /// Returns the schema of its request body.
    pub(crate) fn body_schema(&self) -> Option<&Value> {
        let schema = self.spec.pointer("/requestBody/content/application~1json/schema")?;
        Some(match schema["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => schema,
        })
    }

    /// Returns the example of its request body. The ids in it do not exist.
    pub(crate) fn example_body(&self) -> Option<Value> {
        let schema = self.body_schema()?;
        Some(
            schema
                .get("example")
                .unwrap_or_else(|| panic!("{}: its body has no example", self.name))
                .clone(),
        )
    }

    /// Returns the path with `id` in place of every parameter.
    pub(crate) fn path(&self, id: &str) -> String {
        let parts = self
            .path
            .split('/')
            .map(|part| if part.starts_with('{') { id } else { part });
        parts.collect::<Vec<_>>().join("/")
    }

    /// Sends a request with the required headers.
    pub(crate) async fn request(&self, client: &Client, path: &str, body: Option<String>) -> Reply {
        let parameters = self.spec["parameters"].as_array().into_iter().flatten();
        let required = parameters.filter(|parameter| parameter["in"] == "header" && parameter["required"] == true);
        let client = required.fold(client.clone(), |client, header| {
            client.with(header["name"].as_str().unwrap(), "a")
        });
        client.send(self.method.clone(), path, body).await
    }

    /// Asserts that the document lists the status, that it is no server error, and that an error is a problem document.
    #[track_caller]
    pub(crate) fn assert_documented(&self, reply: &Reply, input: &str) {
        let status = reply.status.as_u16();
        let input = input.chars().take(300).collect::<String>();
        assert!(status < 500, "{} with {input}: {status} {}", self.name, reply.text);
        assert!(
            self.spec["responses"].get(status.to_string()).is_some(),
            "{} with {input}: {status} is not listed",
            self.name
        );
        if status >= 400 {
            assert_eq!(
                reply.headers["content-type"], "application/problem+json",
                "{} with {input}",
                self.name
            );
            assert_eq!(reply.json()["status"], status, "{} with {input}", self.name);
        }
    }
}

pub(crate) const UNKNOWN_ID: &str = "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e";

/// Returns values that are invalid or unusual for most fields.
fn unusual_values() -> Vec<Value> {
    let text = |text: &str| Value::String(text.to_owned());
    vec![
        Value::Null,
        json!(true),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(1e300),
        json!(i64::MIN),
        json!(u64::MAX),
        json!([]),
        json!([[]]),
        json!({}),
        json!({"a": {"b": null}}),
        text(""),
        text(" "),
        text("\u{0}"),
        text("' OR 1=1 --"),
        text("<script>"),
        text("\u{202e}\u{fffd}😀"),
        text(&"x".repeat(20_000)),
    ]
}

/// Returns variants of a body. In each, one field at any depth is removed, added, or has an unusual value.
pub(crate) fn mutations(body: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    if let Some(fields) = body.as_object() {
        let with = |name: &str, value: Option<Value>| {
            let mut fields: Map<String, Value> = fields.clone();
            fields.remove(name);
            fields.extend(value.map(|value| (name.to_owned(), value)));
            Value::Object(fields)
        };
        for (name, value) in fields {
            all.push(with(name, None));
            all.extend(unusual_values().into_iter().map(|unusual| with(name, Some(unusual))));
            all.extend(
                mutations(value)
                    .into_iter()
                    .filter(|_| value.is_object())
                    .map(|inner| with(name, Some(inner))),
            );
            let first = value.as_array().and_then(|items| items.first());
            let items = first.map(mutations).unwrap_or_default();
            all.extend(items.into_iter().map(|item| with(name, Some(json!([item])))));
        }
        all.push(with("unknown", Some(json!(1))));
    }
    all
}

#[tokio::test]
async fn every_secured_operation_returns_401_without_a_token() {
    let (app, document) = (TestApp::shared(), stack::specs::merged());
    let mut secured = 0;
    for operation in operations(&document).iter().filter(|operation| operation.is_secured()) {
        let body = operation.example_body().map(|body| body.to_string());
        let anonymous = app.client();
        for client in [
            anonymous.clone(),
            anonymous.clone().bearer("e30.e30.e30"),
            anonymous.with("cookie", "ticketing_session=x"),
        ] {
            let reply = operation
                .request(&client, &operation.path(UNKNOWN_ID), body.clone())
                .await;
            assert_eq!(reply.status, 401, "{}: {}", operation.name, reply.text);
            assert_eq!(reply.problem().0, "unauthorized", "{}", operation.name);
            assert!(reply.headers.contains_key("www-authenticate"), "{}", operation.name);
        }
        secured += 1;
    }
    assert!(secured >= 12, "{secured}");
}

#[tokio::test]
async fn an_invalid_path_or_query_gets_a_documented_error() {
    let (app, document) = (TestApp::shared(), stack::specs::merged());
    let invalid = [
        "x",
        "-1",
        "%00",
        "%ff",
        "..",
        "%2e%2e%2f",
        "%20",
        "NaN",
        "%F0%9F%98%80",
        &"9".repeat(2000),
        &UNKNOWN_ID[1..],
    ];
    for operation in operations(&document) {
        let user = app.user().await;
        let body = operation.example_body().map(|body| body.to_string());
        if !operation.parameters("path").is_empty() {
            for id in invalid {
                // A client removes such a segment before it sends the request.
                if operation.path(id).contains("/../") {
                    continue;
                }
                let reply = operation
                    .request(user.client(), &operation.path(id), body.clone())
                    .await;
                operation.assert_documented(&reply, id);
                assert!(
                    [400, 404].contains(&reply.status.as_u16()),
                    "{} with {id}: {}",
                    operation.name,
                    reply.text
                );
            }
        }
        for parameter in operation.parameters("query") {
            for value in invalid {
                let path = format!("{}?{parameter}={value}", operation.path(UNKNOWN_ID));
                let reply = operation.request(user.client(), &path, body.clone()).await;
                operation.assert_documented(&reply, &path);
            }
        }
        for parameter in operation.parameters("header") {
            let client = user.client().clone().with(parameter, "invalid, \"");
            let reply = operation
                .request(&client, &operation.path(UNKNOWN_ID), body.clone())
                .await;
            operation.assert_documented(&reply, parameter);
        }
    }
}

#[tokio::test]
async fn an_invalid_body_gets_a_documented_status() {
    let (app, document) = (TestApp::shared(), stack::specs::merged());
    for operation in operations(&document) {
        let Some(body) = operation.example_body() else { continue };
        let (user, path) = (app.user().await, operation.path(UNKNOWN_ID));
        let client = user.client();
        let required = operation.body_schema().and_then(|schema| schema["required"].as_array());
        let has_required_fields = required.is_some_and(|fields| !fields.is_empty());
        for text in [
            "",
            "{",
            "null",
            "[]",
            "\"\"",
            "1",
            "{}",
            "{\"a\":}",
            "\u{feff}{}",
            "{\"a\":1,\"a\":2}",
            "nul",
        ] {
            let reply = operation.request(client, &path, Some(text.to_owned())).await;
            operation.assert_documented(&reply, text);
            // A change of nothing is valid.
            if text.ends_with("{}") && !has_required_fields {
                continue;
            }
            assert!(
                reply.status.is_client_error(),
                "{} with {text}: {}",
                operation.name,
                reply.text
            );
        }
        let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
        let reply = operation.request(client, &path, Some(deep)).await;
        operation.assert_documented(&reply, "nested arrays");
        let large = json!({"x": "x".repeat(200_000)}).to_string();
        let reply = operation.request(client, &path, Some(large)).await;
        assert_eq!(reply.status, 413, "{}: {}", operation.name, reply.text);
        let form = client.clone().with("content-type", "application/x-www-form-urlencoded");
        let reply = operation.request(&form, &path, Some("a=b".to_owned())).await;
        assert_eq!(reply.status, 415, "{}: {}", operation.name, reply.text);
        for mutation in mutations(&body) {
            let text = mutation.to_string();
            let reply = operation.request(client, &path, Some(text.clone())).await;
            operation.assert_documented(&reply, &text);
        }
    }
}
