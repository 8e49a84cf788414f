//! One request, as somebody sends it who tries once more.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, StatusCode, header};
use serde_json::Value;
use tokio::time::Instant;
use values::Clock;

use crate::{
    Trouble,
    op::Op,
    record::{Answer, promise},
};

/// How long one attempt may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How long before the next attempt, if the answer does not say.
const PAUSE: Duration = Duration::from_secs(1);
/// However long the answer says.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The front door, and how often it is knocked at again.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    client: Client,
    url: String,
    retries: u32,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) op: Op,
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Sent as it is; not written down.
    pub(crate) body: Option<Value>,
    /// What of the request is written down.
    pub(crate) asked: Value,
    pub(crate) key: Option<String>,
    pub(crate) if_match: Option<String>,
}

impl Ask {
    pub(crate) fn new(op: Op, method: Method, path: impl Into<String>, asked: Value) -> Self {
        Self {
            op,
            method,
            path: path.into(),
            body: None,
            asked,
            key: None,
            if_match: None,
        }
    }

    pub(crate) fn get(op: Op, path: impl Into<String>, asked: Value) -> Self {
        Self::new(op, Method::GET, path, asked)
    }

    /// Sends what is written down.
    pub(crate) fn with_body(self) -> Self {
        Self {
            body: Some(self.asked.clone()),
            ..self
        }
    }
}

/// An answer as it came: with the secrets in it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) answer: Answer,
    pub(crate) body: Value,
    pub(crate) etag: Option<String>,
}

impl Reply {
    pub(crate) fn is(&self, status: u16) -> bool {
        self.answer.status == Some(status)
    }

    pub(crate) fn text(&self, pointer: &str) -> String {
        let text = self.body.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    }
}

/// What one attempt came to.
struct Attempt {
    status: StatusCode,
    pause: Option<Duration>,
    etag: Option<String>,
    text: String,
}

impl Door {
    pub(crate) fn new(url: &str, retries: u32) -> Result<Self, Trouble> {
        let client = Client::builder().timeout(ANSWER).no_proxy().build();
        Ok(Self {
            client: client.map_err(Trouble::new)?,
            url: url.trim_end_matches('/').to_owned(),
            retries,
        })
    }

    /// Asks until there is an answer, or enough was tried.
    pub(crate) async fn ask(&self, ask: Ask, who: &str, user: Option<String>, token: Option<&str>) -> Reply {
        let (begun, mut attempts, mut fault) = (Instant::now(), 0, None);
        let last = loop {
            attempts += 1;
            let attempt = attempt(self.request(&ask, token)).await;
            let (why, pause) = match &attempt {
                Err(error) => (Some(chain(error)), None),
                Ok(attempt) if matches!(attempt.status.as_u16(), 502..=504) => {
                    (Some(attempt.status.to_string()), attempt.pause)
                }
                Ok(_) => (None, None),
            };
            let unsettled = why.is_some();
            fault = why.or(fault);
            if !unsettled || attempts > self.retries {
                break attempt.ok();
            }
            tokio::time::sleep(pause.unwrap_or(PAUSE).min(LONGEST_PAUSE)).await;
        };
        let (status, etag, text) = last.map_or((None, None, String::new()), |last| {
            (Some(last.status.as_u16()), last.etag, last.text)
        });
        let body = serde_json::from_str(&text).unwrap_or_default();
        let answer = Answer {
            at: Clock::system().now().millis(),
            who: who.to_owned(),
            user,
            op: ask.op,
            asked: ask.asked,
            key: ask.key,
            status,
            said: promise(&body),
            ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            attempts,
            fault,
        };
        Reply { answer, body, etag }
    }

    fn request(&self, ask: &Ask, token: Option<&str>) -> RequestBuilder {
        let url = format!("{}{}", self.url, ask.path);
        let mut request = self.client.request(ask.method.clone(), url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(key) = &ask.key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(etag) = &ask.if_match {
            request = request.header(header::IF_MATCH, etag);
        }
        match &ask.body {
            Some(body) => request.json(body),
            None => request,
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

/// An error with its causes; the first alone says little.
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        said = format!("{said}: {next}");
        cause = next.source();
    }
    said
}
