//! Sends requests, with retries, and records their responses.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, StatusCode, header};
use serde_json::Value;
use tokio::time::Instant;
use values::Clock;

use crate::{
    DrillError, Endpoints,
    operation::Operation,
    recording::{RecordedResponse, recorded_fields},
};

/// The timeout of one attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause before a retry without `Retry-After`.
const DEFAULT_RETRY_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause, for any `Retry-After`.
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(30);

/// A client of the services, with a number of retries.
#[derive(Clone, Debug)]
pub(crate) struct HttpClient {
    client: Client,
    endpoints: Endpoints,
    retries: u32,
}

/// A request to the API.
#[derive(Clone, Debug)]
pub(crate) struct ApiRequest {
    pub(crate) operation: Operation,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// The body, which is sent and not recorded.
    pub(crate) body: Option<Value>,
    /// The parameters, which are recorded.
    pub(crate) parameters: Value,
    pub(crate) key: Option<String>,
    pub(crate) if_match: Option<String>,
}

impl ApiRequest {
    pub(crate) fn new(operation: Operation, method: Method, path: impl Into<String>, parameters: Value) -> Self {
        Self {
            operation,
            method,
            path: path.into(),
            body: None,
            parameters,
            key: None,
            if_match: None,
        }
    }

    pub(crate) fn get(operation: Operation, path: impl Into<String>, parameters: Value) -> Self {
        Self::new(operation, Method::GET, path, parameters)
    }

    /// Sets the recorded parameters as the body.
    pub(crate) fn with_body(self) -> Self {
        Self {
            body: Some(self.parameters.clone()),
            ..self
        }
    }
}

/// A response with its body, which can contain secrets.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) recorded: RecordedResponse,
    pub(crate) body: Value,
    pub(crate) etag: Option<String>,
}

impl Reply {
    /// Whether the response has this status.
    pub(crate) fn is(&self, status: u16) -> bool {
        self.recorded.status == Some(status)
    }

    /// Returns a text field of the body, by JSON pointer; empty if it is missing.
    pub(crate) fn text(&self, pointer: &str) -> String {
        let text = self.body.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    }
}

/// The result of one attempt.
struct Attempt {
    status: StatusCode,
    pause: Option<Duration>,
    etag: Option<String>,
    text: String,
}

impl HttpClient {
    pub(crate) fn new(endpoints: Endpoints, retries: u32) -> Result<Self, DrillError> {
        let client = Client::builder().timeout(ATTEMPT_TIMEOUT).no_proxy().build();
        Ok(Self {
            client: client.map_err(DrillError::new)?,
            endpoints,
            retries,
        })
    }

    /// Sends a request, and retries it when there is no response, 502, 503 or 504.
    pub(crate) async fn send(
        &self,
        request: ApiRequest,
        account: &str,
        user_id: Option<String>,
        token: Option<&str>,
    ) -> Reply {
        let (started, mut attempts, mut fault) = (Instant::now(), 0, None);
        let last = loop {
            attempts += 1;
            let attempt = attempt(self.builder(&request, token)).await;
            let (failure, pause) = match &attempt {
                Err(error) => (Some(chain(error)), None),
                Ok(attempt) if matches!(attempt.status.as_u16(), 502..=504) => {
                    (Some(attempt.status.to_string()), attempt.pause)
                }
                Ok(_) => (None, None),
            };
            let failed = failure.is_some();
            fault = failure.or(fault);
            if !failed || attempts > self.retries {
                break attempt.ok();
            }
            tokio::time::sleep(pause.unwrap_or(DEFAULT_RETRY_PAUSE).min(MAX_RETRY_PAUSE)).await;
        };
        let (status, etag, text) = last.map_or((None, None, String::new()), |last| {
            (Some(last.status.as_u16()), last.etag, last.text)
        });
        let body = serde_json::from_str(&text).unwrap_or_default();
        let recorded = RecordedResponse {
            at: Clock::system().now().millis(),
            account: account.to_owned(),
            user_id,
            operation: request.operation,
            request: request.parameters,
            key: request.key,
            status,
            response: recorded_fields(&body),
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            attempts,
            fault,
        };
        Reply { recorded, body, etag }
    }

    fn builder(&self, request: &ApiRequest, token: Option<&str>) -> RequestBuilder {
        let url = format!("{}{}", self.endpoints.url_of(request.operation.service()), request.path);
        let mut builder = self.client.request(request.method.clone(), url);
        if let Some(token) = token {
            builder = builder.bearer_auth(token);
        }
        if let Some(key) = &request.key {
            builder = builder.header("Idempotency-Key", key);
        }
        if let Some(etag) = &request.if_match {
            builder = builder.header(header::IF_MATCH, etag);
        }
        match &request.body {
            Some(body) => builder.json(body),
            None => builder,
        }
    }
}

async fn attempt(request: RequestBuilder) -> Result<Attempt, reqwest::Error> {
    let response = request.send().await?;
    let header = |name| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
    let (status, etag) = (response.status(), header(header::ETAG));
    let pause = header(header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
    Ok(Attempt {
        status,
        pause: pause.map(Duration::from_secs),
        etag,
        text: response.text().await?,
    })
}

/// Returns the text of an error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
