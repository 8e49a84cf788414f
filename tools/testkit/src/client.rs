use poem::http::StatusCode;
use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

/// Speaks HTTP to one address, as one person.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as it came.
    pub text: String,
    /// What was asked, for the panic's message.
    asked: String,
}

impl Client {
    /// Nobody yet, at `http://127.0.0.1:4001`.
    pub fn new(base: impl Into<String>) -> Self {
        // No idle connections: a service that stops would wait for them.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        Self {
            http,
            base: base.into(),
            headers: Vec::new(),
        }
    }

    /// The same, with a header on every request.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// The same, as the person whom the access token names.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.with("authorization", format!("Bearer {token}"))
    }

    /// Asks.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    /// Sends a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, Some(body.to_string())).await
    }

    /// Sends a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, Some(body.to_string())).await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, None).await
    }

    /// Sends whatever, as `application/json` if there is a body and no other content type was set.
    pub async fn send(&self, method: Method, path: &str, body: Option<String>) -> Reply {
        let asked = format!("{method} {path}");
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
        let response = request.send().await.unwrap_or_else(|error| panic!("{asked}: {error}"));
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        Reply {
            status,
            headers,
            text,
            asked,
        }
    }
}

impl Reply {
    /// Fails the test unless this is the status.
    #[track_caller]
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}: {}", self.asked, self.text);
        self
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{}: {error}: {}", self.asked, self.text))
    }

    /// A field of the body, by JSON pointer, as text.
    #[track_caller]
    pub fn text_at(&self, pointer: &str) -> String {
        let body = self.json();
        let found = body
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{}: no {pointer} in {}", self.asked, self.text));
        found.as_str().map_or_else(|| found.to_string(), ToOwned::to_owned)
    }

    /// The field that a problem document names first, with the kind of problem: `invalid-fields`, `price.amount`.
    #[track_caller]
    pub fn problem(&self) -> (String, String) {
        let kind = self.text_at("/type").rsplit(':').next().unwrap_or_default().to_owned();
        assert_eq!(
            self.headers["content-type"], "application/problem+json",
            "{}",
            self.asked
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
}
