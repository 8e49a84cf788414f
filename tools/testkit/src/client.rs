use poem::http::StatusCode;
use reqwest::{Method, header::HeaderMap};
use serde_json::Value;
use values::{Timestamp, UserId};

use crate::eventually;

/// An HTTP client of one service, with the access token of one user or without one.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    headers: Vec<(String, String)>,
}

/// A response.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
    /// The body as it was sent.
    pub bytes: Vec<u8>,
    /// The method and path of the request, for panic messages.
    request: String,
}

impl Client {
    /// Returns a client without an access token; `base` is such as `http://127.0.0.1:4001`.
    pub fn new(base: impl Into<String>) -> Self {
        // No idle connections: a service that stops would wait for them.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Self {
            http,
            base: base.into(),
            headers: Vec::new(),
        }
    }

    /// Sends a header with every request.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Sends an access token with every request.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.with("authorization", format!("Bearer {token}"))
    }

    /// Sends a GET.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    /// Follows the cursors of an export of personal data, and returns the items of one of its lists. Each page has at most `limit`
    /// items of all lists together.
    pub async fn exported(&self, path: &str, list: &str, limit: usize) -> Vec<Value> {
        let mut items = Vec::new();
        let mut page_path = format!("{path}?limit={limit}");
        loop {
            let page = self.get(&page_path).await.expect(200).json();
            let lists = page.as_object().into_iter().flat_map(|page| page.values());
            let count: usize = lists.filter_map(Value::as_array).map(Vec::len).sum();
            assert!(count <= limit, "{page}");
            items.extend(page[list].as_array().into_iter().flatten().cloned());
            let Some(cursor) = page["nextCursor"].as_str() else {
                return items;
            };
            page_path = format!("{path}?limit={limit}&cursor={cursor}");
        }
    }

    /// Sends a POST with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, Some(body.to_string())).await
    }

    /// Sends a POST with a JSON body, and repeats it while the status is 404: a new resource may not be replicated yet.
    pub async fn post_when_replicated(&self, path: &str, body: Value) -> Reply {
        eventually(&format!("{path} accepts {body}"), || async {
            let reply = self.post(path, body.clone()).await;
            (reply.status != StatusCode::NOT_FOUND).then_some(reply)
        })
        .await
    }

    /// Sends a PUT with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, Some(body.to_string())).await
    }

    /// Sends a DELETE.
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, None).await
    }

    /// Sends a request. A body is `application/json` unless the client has a `content-type` header.
    pub async fn send(&self, method: Method, path: &str, body: Option<String>) -> Reply {
        self.send_bytes(method, path, body.map(String::into_bytes)).await
    }

    /// Sends a request with any body, like [`Self::send`].
    pub async fn send_bytes(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Reply {
        let description = format!("{method} {path}");
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            if !self.headers.iter().any(|(name, _)| name == "content-type") {
                request = request.header("content-type", "application/json");
            }
            request = request.body(body);
        }
        let response = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("{description}: {error}"));
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        Reply {
            status,
            headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
            bytes: bytes.into(),
            request: description,
        }
    }
}

impl Reply {
    /// Fails the test unless the response has this status.
    #[track_caller]
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}: {}", self.request, self.text);
        self
    }

    /// Parses the body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{}: {error}: {}", self.request, self.text))
    }

    /// Parses the body as JSON and replaces what differs from run to run, for snapshots: ids become `[id]`, times `[time]`,
    /// access tokens `[access token]`, other random values `[random]`.
    #[track_caller]
    pub fn stable_json(&self) -> Value {
        let mut body = self.json();
        replace_random_values(&mut body);
        body
    }

    /// Returns a field of the body, by JSON pointer, as text.
    #[track_caller]
    pub fn text_at(&self, pointer: &str) -> String {
        let body = self.json();
        let found = body
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{}: no {pointer} in {}", self.request, self.text));
        found.as_str().map_or_else(|| found.to_string(), ToOwned::to_owned)
    }

    /// Returns the type of a problem document and the first field that it names: `invalid-fields`, `price.amount`.
    #[track_caller]
    pub fn problem(&self) -> (String, String) {
        let kind = self.text_at("/type").rsplit(':').next().unwrap_or_default().to_owned();
        assert_eq!(
            self.headers["content-type"], "application/problem+json",
            "{}",
            self.request
        );
        let body = self.json();
        (
            kind,
            body.pointer("/errors/0/field")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
        )
    }

    /// Returns the fields that a problem document names, in its order.
    #[track_caller]
    pub fn error_fields(&self) -> Vec<String> {
        let body = self.json();
        let errors = body["errors"].as_array();
        let errors = errors.unwrap_or_else(|| panic!("{}: no errors in {}", self.request, self.text));
        let field = |error: &Value| error["field"].as_str().unwrap_or_default().to_owned();
        errors.iter().map(field).collect()
    }
}

/// Replaces the values of a body that differ from run to run.
fn replace_random_values(value: &mut Value) {
    match value {
        Value::String(text) => *text = replace_random_words(text),
        Value::Array(items) => items.iter_mut().for_each(replace_random_values),
        Value::Object(fields) => fields.values_mut().for_each(replace_random_values),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Replaces the words and path segments of a text that differ from run to run.
fn replace_random_words(text: &str) -> String {
    let replace = |word: &str| match word {
        _ if word.parse::<UserId>().is_ok() => "[id]".to_owned(),
        _ if word.parse::<Timestamp>().is_ok() => "[time]".to_owned(),
        _ if word.starts_with("eyJ") => "[access token]".to_owned(),
        // Refresh tokens, cursors, client secrets and Stripe's ids are long and mix digits with letters.
        _ if word.len() > 20 && word.contains(|character: char| character.is_ascii_digit()) => "[random]".to_owned(),
        _ => word.to_owned(),
    };
    let segments = |word: &str| word.split('/').map(replace).collect::<Vec<_>>().join("/");
    text.split(' ').map(segments).collect::<Vec<_>>().join(" ")
}
