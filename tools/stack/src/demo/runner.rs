use std::{fmt::Display, time::Duration};

use reqwest::{Client, Method};
use serde_json::Value;
use tokio::time::{Instant, interval};

/// A step whose outcome differs from the expected one.
#[derive(Debug, thiserror::Error)]
#[error("{step}: expected {expected}, but {actual}")]
pub struct StepFailed {
    step: String,
    expected: String,
    actual: String,
}

/// Pause between two polls.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Timeout of one request.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);

/// Runs the steps of the demo against one stack and prints each.
pub(super) struct Runner<'a> {
    http: Client,
    url: String,
    /// How long a step polls for an effect that takes a moment.
    pub(super) timeout: Duration,
    print: &'a (dyn Fn(&str) + Send + Sync),
}

/// A request of the demo.
#[derive(Clone)]
pub(super) struct DemoRequest {
    method: Method,
    path: String,
    body: Option<Value>,
    token: Option<String>,
}

impl DemoRequest {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            body: None,
            token: None,
        }
    }

    pub(super) fn post(path: impl Into<String>, body: Value) -> Self {
        Self {
            method: Method::POST,
            path: path.into(),
            body: Some(body),
            token: None,
        }
    }

    pub(super) fn delete(path: impl Into<String>) -> Self {
        Self {
            method: Method::DELETE,
            path: path.into(),
            body: None,
            token: None,
        }
    }

    /// Adds an access token.
    pub(super) fn bearer(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }
}

/// A response, with its body parsed.
struct DemoResponse {
    status: u16,
    body: Value,
}

impl DemoResponse {
    /// Returns the status and the fields at these JSON pointers, in one line.
    fn summary(&self, fields: &[&str]) -> String {
        let fields = fields
            .iter()
            .filter_map(|pointer| Some((pointer, self.body.pointer(pointer)?)));
        let fields = fields.map(|(pointer, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            format!("{} {value}", pointer.rsplit('/').next().unwrap_or_default())
        });
        format!("{}  {}", self.status, fields.collect::<Vec<_>>().join(", "))
    }
}

impl<'a> Runner<'a> {
    pub(super) fn new(
        url: &str,
        timeout: Duration,
        print: &'a (dyn Fn(&str) + Send + Sync),
    ) -> Result<Self, StepFailed> {
        let http = Client::builder().timeout(RESPONSE_TIMEOUT).no_proxy().build();
        let http = http.map_err(|error| failed("the demo", "an HTTP client", error))?;
        Ok(Self {
            http,
            url: url.trim_end_matches('/').to_owned(),
            timeout,
            print,
        })
    }

    pub(super) fn heading(&self, text: &str) {
        (self.print)(&format!("\n{text}"));
    }

    /// Sends the request once; fails unless the status is `status`.
    pub(super) async fn expect(
        &self,
        step: &str,
        request: DemoRequest,
        status: u16,
        fields: &[&str],
    ) -> Result<Value, StepFailed> {
        let response = self.request(step, &request).await?;
        if response.status != status {
            return Err(failed(step, status, describe(&response)));
        }
        self.report(step, &response, fields);
        Ok(response.body)
    }

    /// Sends the request until the status is `status`. A 404 is tolerated until then: a new resource reaches other
    /// services a moment later.
    pub(super) async fn expect_soon(
        &self,
        step: &str,
        request: DemoRequest,
        status: u16,
        fields: &[&str],
    ) -> Result<Value, StepFailed> {
        let (deadline, mut polls) = (Instant::now() + self.timeout, interval(POLL_INTERVAL));
        loop {
            polls.tick().await;
            let response = self.request(step, &request).await?;
            if response.status == status {
                self.report(step, &response, fields);
                return Ok(response.body);
            }
            if response.status != 404 || Instant::now() > deadline {
                return Err(failed(step, status, describe(&response)));
            }
        }
    }

    /// Sends the request until the field at `pointer` has `value`, for `within` at most.
    pub(super) async fn until(
        &self,
        step: &str,
        request: DemoRequest,
        within: Duration,
        (pointer, value): (&str, Value),
        fields: &[&str],
    ) -> Result<Value, StepFailed> {
        let (deadline, mut polls) = (Instant::now() + within, interval(POLL_INTERVAL));
        loop {
            polls.tick().await;
            let response = self.request(step, &request).await?;
            if response.status == 200 && response.body.pointer(pointer) == Some(&value) {
                self.report(step, &response, fields);
                return Ok(response.body);
            }
            if Instant::now() > deadline {
                let expected = format!("{pointer} to be {value} within {} s", within.as_secs());
                return Err(failed(step, expected, describe(&response)));
            }
        }
    }

    /// Fails unless `holds`, a fact about a response body.
    pub(super) fn check(step: &str, expected: &str, holds: bool, body: &Value) -> Result<(), StepFailed> {
        if holds {
            Ok(())
        } else {
            Err(failed(step, expected, format_args!("received {body}")))
        }
    }

    fn report(&self, step: &str, response: &DemoResponse, fields: &[&str]) {
        (self.print)(&format!("  {step:<56} {}", response.summary(fields)));
    }

    async fn request(&self, step: &str, request: &DemoRequest) -> Result<DemoResponse, StepFailed> {
        let target = format!("{} {}", request.method, request.path);
        let no_response = |error: reqwest::Error| {
            let hint = if error.is_connect() {
                "; is the stack running? `./justw dev` starts it"
            } else {
                ""
            };
            failed(
                step,
                format_args!("a response to {target}"),
                format_args!("none came: {error}{hint}"),
            )
        };
        let mut http_request = self
            .http
            .request(request.method.clone(), format!("{}{}", self.url, request.path));
        if let Some(token) = &request.token {
            http_request = http_request.bearer_auth(token);
        }
        if let Some(body) = &request.body {
            http_request = http_request.json(body);
        }
        let response = http_request.send().await.map_err(no_response)?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(no_response)?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(DemoResponse { status, body })
    }
}

fn describe(response: &DemoResponse) -> String {
    format!("received {} {}", response.status, response.body)
}

fn failed(step: &str, expected: impl Display, actual: impl Display) -> StepFailed {
    StepFailed {
        step: step.to_owned(),
        expected: expected.to_string(),
        actual: actual.to_string(),
    }
}
