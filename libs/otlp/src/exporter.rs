use std::time::Duration;

use reqwest::{Client, StatusCode, header::CONTENT_TYPE};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;
use trace::{Outlet, Recorded};

use crate::{Endpoint, message::message};

/// Spans that may wait: some two megabytes at most.
const ROOM: usize = 4096;

/// Spans that are sent together.
const BATCH: usize = 512;

/// How long the first span of a batch waits for others.
const GATHER: Duration = Duration::from_secs(1);

/// How long the collector may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pause before a batch that the collector could not take is sent again.
const PAUSE: Duration = Duration::from_secs(2);

/// Sends what comes out of an [`Outlet`].
#[derive(Debug)]
pub struct Exporter {
    spans: mpsc::Receiver<Recorded>,
    endpoint: Endpoint,
    version: &'static str,
    client: Client,
    /// The collector does not take spans, and we have told so.
    told: bool,
}

/// What became of a batch.
#[derive(PartialEq, Eq)]
enum Sent {
    Taken,
    /// Now not, perhaps later.
    NotNow(String),
    /// Never.
    Refused(String),
}

impl Exporter {
    /// An outlet for `percent` of the traces that begin here, and what sends its spans to `endpoint`. `version` is the
    /// program's. Fails if there can be no HTTP client.
    pub fn new(endpoint: Endpoint, percent: u8, version: &'static str) -> Result<(Outlet, Self), reqwest::Error> {
        let client = Client::builder().timeout(PATIENCE).no_proxy().build()?;
        let (outlet, spans) = Outlet::new(ROOM, percent);
        Ok((
            outlet,
            Self {
                spans,
                endpoint,
                version,
                client,
                told: false,
            },
        ))
    }

    /// Sends until `stop`, and then what is there, if the collector takes it at once.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::new();
        loop {
            let stopping = stop.is_cancelled();
            if !stopping {
                self.gather(&mut batch, &stop).await;
            }
            while batch.len() < BATCH
                && let Ok(span) = self.spans.try_recv()
            {
                batch.push(span);
            }
            if batch.is_empty() {
                if stopping || self.spans.is_closed() {
                    return;
                }
                continue;
            }
            match self.send(&batch).await {
                Sent::Taken => {
                    batch.clear();
                    self.tell_that_it_works();
                }
                Sent::Refused(reason) => {
                    batch.clear();
                    self.tell(&reason);
                }
                Sent::NotNow(reason) => {
                    self.tell(&reason);
                    if stopping {
                        return;
                    }
                    // Meanwhile spans wait in the outlet, and then are dropped.
                    stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
                }
            }
        }
    }

    /// Waits for a span, and a little longer for others.
    async fn gather(&mut self, batch: &mut Vec<Recorded>, stop: &CancellationToken) {
        let mut until: Option<Instant> = (!batch.is_empty()).then(Instant::now);
        while batch.len() < BATCH {
            let over = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = over => return,
                span = self.spans.recv() => match span {
                    Some(span) => {
                        batch.push(span);
                        until.get_or_insert_with(|| Instant::now() + GATHER);
                    }
                    None => return,
                }
            }
        }
    }

    async fn send(&self, batch: &[Recorded]) -> Sent {
        let body = message(batch, self.version).to_string();
        let request = self
            .client
            .post(self.endpoint.url().clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        match request.send().await {
            Ok(answer) => judge(answer.status()),
            Err(error) => Sent::NotNow(error.without_url().to_string()),
        }
    }

    fn tell(&mut self, reason: &str) {
        if !self.told {
            tracing::warn!(collector = %self.endpoint.url(), reason, "the collector takes no spans: some will be missing");
            self.told = true;
        }
    }

    fn tell_that_it_works(&mut self) {
        if self.told {
            tracing::info!(collector = %self.endpoint.url(), "the collector takes spans again");
            self.told = false;
        }
    }
}

/// <https://opentelemetry.io/docs/specs/otlp/#failures-1>
fn judge(status: StatusCode) -> Sent {
    match status.as_u16() {
        200..=299 => Sent::Taken,
        429 | 502 | 503 | 504 => Sent::NotNow(status.to_string()),
        _ => Sent::Refused(status.to_string()),
    }
}
