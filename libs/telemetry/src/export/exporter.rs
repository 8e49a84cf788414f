use std::{collections::BTreeMap, time::Duration};

use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::trace::SpanData;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    Endpoint, SpanQueue,
    export::collector::{Collector, Delivery},
    span::SERVICE_NAME,
};

/// Spans that may wait: some two megabytes at most.
const QUEUE_CAPACITY: usize = 4096;

/// Spans that are sent together.
const MAX_BATCH: usize = 512;

/// The time for which the first span of a batch waits for others.
const BATCH_DELAY: Duration = Duration::from_secs(1);

/// The pause before a batch that the collector did not accept is sent again.
const RETRY_DELAY: Duration = Duration::from_secs(2);

/// Spans cannot be exported at all.
#[derive(Debug, thiserror::Error)]
pub enum ExporterError {
    /// There can be no HTTP client.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
    /// OpenTelemetry's exporter is not configured right, for example by one of its environment variables.
    #[error("the span exporter: {0}")]
    Exporter(#[from] ExporterBuildError),
}

/// Sends the spans of a [`SpanQueue`] to a collector.
#[derive(Debug)]
pub struct SpanExport {
    spans: mpsc::Receiver<SpanData>,
    collector: Collector,
    is_failing: bool,
}

impl SpanExport {
    /// A queue for `percent` of the traces that begin here, and the export of its spans to `endpoint`. `version` is the
    /// program's.
    pub fn new(endpoint: Endpoint, percent: u8, version: &'static str) -> Result<(SpanQueue, Self), ExporterError> {
        let (queue, spans) = SpanQueue::new(QUEUE_CAPACITY, percent);
        let export = Self {
            spans,
            collector: Collector::new(endpoint, version)?,
            is_failing: false,
        };
        Ok((queue, export))
    }

    /// Sends until `stop`, and then the rest of the queue, if the collector accepts it at once.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::new();
        loop {
            let is_stopping = stop.is_cancelled();
            if !is_stopping {
                self.fill(&mut batch, &stop).await;
            }
            while batch.len() < MAX_BATCH
                && let Ok(span) = self.spans.try_recv()
            {
                batch.push(span);
            }
            if batch.is_empty() {
                if is_stopping || self.spans.is_closed() {
                    return;
                }
                continue;
            }
            batch = self.send(batch).await;
            if !batch.is_empty() {
                if is_stopping {
                    return;
                }
                // Meanwhile spans wait in the queue, and then are dropped.
                stop.run_until_cancelled(tokio::time::sleep(RETRY_DELAY)).await;
            }
        }
    }

    /// Waits for a span, and a little longer for others.
    async fn fill(&mut self, batch: &mut Vec<SpanData>, stop: &CancellationToken) {
        let mut until: Option<Instant> = (!batch.is_empty()).then(Instant::now);
        while batch.len() < MAX_BATCH {
            let delay = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = delay => return,
                span = self.spans.recv() => match span {
                    Some(span) => {
                        batch.push(span);
                        until.get_or_insert_with(|| Instant::now() + BATCH_DELAY);
                    }
                    None => return,
                }
            }
        }
    }

    /// Sends the spans of each service, and returns those to send again.
    async fn send(&mut self, batch: Vec<SpanData>) -> Vec<SpanData> {
        let mut again = Vec::new();
        for (service, spans) in by_service(&batch) {
            match self.collector.send(&service, spans).await {
                Delivery::Accepted => self.report_accepted(),
                Delivery::Rejected(reason) => self.report_failure(&reason),
                Delivery::Retryable(reason) => {
                    self.report_failure(&reason);
                    again.extend(batch.iter().filter(|span| service_name(span) == service).cloned());
                }
            }
        }
        again
    }

    fn report_failure(&mut self, reason: &str) {
        if !self.is_failing {
            let collector = self.collector.endpoint().url();
            tracing::warn!(%collector, reason, "the collector does not accept spans, some will be missing");
            self.is_failing = true;
        }
    }

    fn report_accepted(&mut self) {
        if self.is_failing {
            let collector = self.collector.endpoint().url();
            tracing::info!(%collector, "the collector accepts spans again");
            self.is_failing = false;
        }
    }
}

/// The spans of each service, without the attribute that names it.
fn by_service(batch: &[SpanData]) -> BTreeMap<String, Vec<SpanData>> {
    let mut services: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for span in batch {
        let mut sent = span.clone();
        sent.attributes
            .retain(|attribute| attribute.key.as_str() != SERVICE_NAME);
        services.entry(service_name(span)).or_default().push(sent);
    }
    services
}

fn service_name(span: &SpanData) -> String {
    let name = span
        .attributes
        .iter()
        .find(|attribute| attribute.key.as_str() == SERVICE_NAME);
    name.map_or_else(|| "unknown".to_owned(), |name| name.value.to_string())
}
