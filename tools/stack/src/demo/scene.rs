use std::{fmt::Display, time::Duration};

use reqwest::{Client, Method};
use serde_json::Value;
use tokio::time::{Instant, interval};

/// A step did not go as told.
#[derive(Debug, thiserror::Error)]
#[error("{step}: expected {expected}, but {came}")]
pub struct Failed {
    step: String,
    expected: String,
    came: String,
}

/// How often something that takes its time is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Who may take how long for an answer.
const ANSWER: Duration = Duration::from_secs(20);

/// Where it plays, and to whom it is told.
pub(super) struct Scene<'a> {
    http: Client,
    url: String,
    pub(super) patience: Duration,
    tell: &'a (dyn Fn(&str) + Send + Sync),
}

/// What is asked.
#[derive(Clone)]
pub(super) struct Ask {
    method: Method,
    path: String,
    body: Option<Value>,
    token: Option<String>,
}

impl Ask {
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

    /// Asked by whom an access token names.
    pub(super) fn by(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }
}

/// What came.
struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    /// In short: the fields at these JSON pointers.
    fn told(&self, fields: &[&str]) -> String {
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

impl<'a> Scene<'a> {
    pub(super) fn new(url: &str, patience: Duration, tell: &'a (dyn Fn(&str) + Send + Sync)) -> Result<Self, Failed> {
        let http = Client::builder().timeout(ANSWER).no_proxy().build();
        let http = http.map_err(|error| failed("the demo", "an HTTP client", error))?;
        Ok(Self {
            http,
            url: url.trim_end_matches('/').to_owned(),
            patience,
            tell,
        })
    }

    pub(super) fn heading(&self, text: &str) {
        (self.tell)(&format!("\n{text}"));
    }

    /// Asks once, and expects this status.
    pub(super) async fn expect(&self, step: &str, ask: Ask, status: u16, fields: &[&str]) -> Result<Value, Failed> {
        let answer = self.ask(step, &ask).await?;
        if answer.status != status {
            return Err(failed(step, status, came(&answer)));
        }
        self.told(step, &answer, fields);
        Ok(answer.body)
    }

    /// Asks until the thing in question has come to the service that is asked: until then it knows of none (404).
    pub(super) async fn expect_soon(
        &self,
        step: &str,
        ask: Ask,
        status: u16,
        fields: &[&str],
    ) -> Result<Value, Failed> {
        let (deadline, mut looks) = (Instant::now() + self.patience, interval(LOOK));
        loop {
            looks.tick().await;
            let answer = self.ask(step, &ask).await?;
            if answer.status == status {
                self.told(step, &answer, fields);
                return Ok(answer.body);
            }
            if answer.status != 404 || Instant::now() > deadline {
                return Err(failed(step, status, came(&answer)));
            }
        }
    }

    /// Asks until the answer is as it is to become, for so long at most.
    pub(super) async fn until(
        &self,
        step: &str,
        ask: Ask,
        within: Duration,
        (pointer, value): (&str, Value),
        fields: &[&str],
    ) -> Result<Value, Failed> {
        let (deadline, mut looks) = (Instant::now() + within, interval(LOOK));
        loop {
            looks.tick().await;
            let answer = self.ask(step, &ask).await?;
            if answer.status == 200 && answer.body.pointer(pointer) == Some(&value) {
                self.told(step, &answer, fields);
                return Ok(answer.body);
            }
            if Instant::now() > deadline {
                let expected = format!("{pointer} to be {value} within {} s", within.as_secs());
                return Err(failed(step, expected, came(&answer)));
            }
        }
    }

    /// Notes something about an answer that is not in its status.
    pub(super) fn check(step: &str, expected: &str, true_of: bool, body: &Value) -> Result<(), Failed> {
        if true_of {
            Ok(())
        } else {
            Err(failed(step, expected, format_args!("came {body}")))
        }
    }

    fn told(&self, step: &str, answer: &Answer, fields: &[&str]) {
        (self.tell)(&format!("  {step:<56} {}", answer.told(fields)));
    }

    async fn ask(&self, step: &str, ask: &Ask) -> Result<Answer, Failed> {
        let asked = format!("{} {}", ask.method, ask.path);
        let silent = |error: reqwest::Error| {
            let hint = if error.is_connect() {
                "; is the stack running? `./justw dev` starts it"
            } else {
                ""
            };
            failed(
                step,
                format_args!("an answer to {asked}"),
                format_args!("none came: {error}{hint}"),
            )
        };
        let mut request = self
            .http
            .request(ask.method.clone(), format!("{}{}", self.url, ask.path));
        if let Some(token) = &ask.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = &ask.body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(silent)?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(silent)?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, body })
    }
}

fn came(answer: &Answer) -> String {
    format!("came {} {}", answer.status, answer.body)
}

fn failed(step: &str, expected: impl Display, came: impl Display) -> Failed {
    Failed {
        step: step.to_owned(),
        expected: expected.to_string(),
        came: came.to_string(),
    }
}
