//! Every operation of the document is asked: without a token, and with all that it cannot understand.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::{Client, Reply, town::Town};

/// An operation as the document tells it.
pub(crate) struct Operation<'a> {
    /// `POST /api/v1/orders`.
    pub(crate) name: String,
    pub(crate) spec: &'a Value,
    document: &'a Value,
    method: Method,
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

    /// The names of its parameters in `path`, `query` or `header`.
    pub(crate) fn parameters(&self, place: &str) -> Vec<&str> {
        let all = self.spec["parameters"].as_array().into_iter().flatten();
        all.filter(|parameter| parameter["in"] == place)
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect()
    }

    /// The body that the document shows, of which nothing is there in truth.
    fn body(&self) -> Option<Value> {
        let schema = self.spec.pointer("/requestBody/content/application~1json/schema")?;
        let schema = match schema["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => schema,
        };
        Some(
            schema
                .get("example")
                .unwrap_or_else(|| panic!("{}: its body has no example", self.name))
                .clone(),
        )
    }

    /// The path with an id of nothing, or with something else in the place of ids.
    fn path(&self, id: &str) -> String {
        let parts = self
            .path
            .split('/')
            .map(|part| if part.starts_with('{') { id } else { part });
        parts.collect::<Vec<_>>().join("/")
    }

    async fn ask(&self, client: &Client, path: &str, body: Option<String>) -> Reply {
        client.send(self.method.clone(), path, body).await
    }

    /// It was refused as the document says: never by a mistake of ours.
    #[track_caller]
    fn assert_listed(&self, reply: &Reply, asked: &str) {
        let status = reply.status.as_u16();
        let asked = asked.chars().take(300).collect::<String>();
        assert!(status < 500, "{} with {asked}: {status} {}", self.name, reply.text);
        assert!(
            self.spec["responses"].get(status.to_string()).is_some(),
            "{} with {asked}: {status} is not listed",
            self.name
        );
        if status >= 400 {
            assert_eq!(
                reply.headers["content-type"], "application/problem+json",
                "{} with {asked}",
                self.name
            );
            assert_eq!(reply.json()["status"], status, "{} with {asked}", self.name);
        }
    }
}

const NOTHING: &str = "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e";

/// What nobody expects in the place of a text, a number or an object.
fn oddities() -> Vec<Value> {
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

/// The body with each field, at any depth, in turn replaced by what nobody expects, left out, or joined by a stranger.
fn bent(body: &Value) -> Vec<Value> {
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
            all.extend(oddities().into_iter().map(|odd| with(name, Some(odd))));
            all.extend(
                bent(value)
                    .into_iter()
                    .filter(|_| value.is_object())
                    .map(|inner| with(name, Some(inner))),
            );
        }
        all.push(with("stranger", Some(json!(1))));
    }
    all
}

#[tokio::test]
async fn without_a_token_every_secured_operation_answers_401() {
    let (town, document) = (Town::shared(), stack::specs::merged());
    let mut secured = 0;
    for operation in operations(&document).iter().filter(|operation| operation.is_secured()) {
        let body = operation.body().map(|body| body.to_string());
        let nobody = town.client();
        for client in [
            nobody.clone(),
            nobody.clone().bearer("e30.e30.e30"),
            nobody.with("cookie", "ticketing_session=x"),
        ] {
            let reply = operation.ask(&client, &operation.path(NOTHING), body.clone()).await;
            assert_eq!(reply.status, 401, "{}: {}", operation.name, reply.text);
            assert_eq!(reply.problem().0, "unauthorized", "{}", operation.name);
            assert!(reply.headers.contains_key("www-authenticate"), "{}", operation.name);
        }
        secured += 1;
    }
    assert!(secured >= 12, "{secured}");
}

#[tokio::test]
async fn what_cannot_be_understood_in_a_path_or_a_query_is_answered_with_400_or_404() {
    let (town, document) = (Town::shared(), stack::specs::merged());
    let odd = [
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
        &NOTHING[1..],
    ];
    for operation in operations(&document) {
        let somebody = town.user().await;
        let body = operation.body().map(|body| body.to_string());
        if !operation.parameters("path").is_empty() {
            for id in odd {
                let reply = operation
                    .ask(somebody.client(), &operation.path(id), body.clone())
                    .await;
                operation.assert_listed(&reply, id);
                assert!(
                    [400, 404].contains(&reply.status.as_u16()),
                    "{} with {id}: {}",
                    operation.name,
                    reply.text
                );
            }
        }
        for parameter in operation.parameters("query") {
            for value in odd {
                let path = format!("{}?{parameter}={value}", operation.path(NOTHING));
                let reply = operation.ask(somebody.client(), &path, body.clone()).await;
                operation.assert_listed(&reply, &path);
            }
        }
        for parameter in operation.parameters("header") {
            let client = somebody.client().clone().with(parameter, "odd, \"");
            let reply = operation.ask(&client, &operation.path(NOTHING), body.clone()).await;
            operation.assert_listed(&reply, parameter);
        }
    }
}

#[tokio::test]
async fn what_cannot_be_understood_in_a_body_is_answered_with_what_the_document_lists() {
    let (town, document) = (Town::shared(), stack::specs::merged());
    for operation in operations(&document) {
        let Some(body) = operation.body() else { continue };
        let (somebody, path) = (town.user().await, operation.path(NOTHING));
        let client = somebody.client();
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
            let reply = operation.ask(client, &path, Some(text.to_owned())).await;
            operation.assert_listed(&reply, text);
            assert!(
                reply.status.is_client_error(),
                "{} with {text}: {}",
                operation.name,
                reply.text
            );
        }
        let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
        let reply = operation.ask(client, &path, Some(deep)).await;
        operation.assert_listed(&reply, "arrays in arrays");
        let large = json!({"x": "x".repeat(200_000)}).to_string();
        let reply = operation.ask(client, &path, Some(large)).await;
        assert_eq!(reply.status, 413, "{}: {}", operation.name, reply.text);
        let form = client.clone().with("content-type", "application/x-www-form-urlencoded");
        let reply = operation.ask(&form, &path, Some("a=b".to_owned())).await;
        assert_eq!(reply.status, 415, "{}: {}", operation.name, reply.text);
        for bent in bent(&body) {
            let text = bent.to_string();
            let reply = operation.ask(client, &path, Some(text.clone())).await;
            operation.assert_listed(&reply, &text);
        }
    }
}
