use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use opentelemetry::KeyValue;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanExporter as _},
};
use reqwest::StatusCode;

use crate::{Endpoint, export::exporter::ExporterError, span::SERVICE_NAME};

/// The timeout of one request to the collector.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The outcome of sending spans to the collector.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Delivery {
    Accepted,
    /// Not accepted now, perhaps later.
    Retryable(String),
    /// Never accepted.
    Rejected(String),
}

/// Sends spans to one collector, with one exporter for each service: OTLP names the service once for all of its spans.
#[derive(Debug)]
pub(super) struct Collector {
    endpoint: Endpoint,
    version: &'static str,
    http: ObservedClient,
    exporters: BTreeMap<String, SpanExporter>,
}

impl Collector {
    pub(super) fn new(endpoint: Endpoint, version: &'static str) -> Result<Self, ExporterError> {
        let client = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).no_proxy().build()?;
        let http = ObservedClient {
            client,
            last: Arc::default(),
        };
        Ok(Self {
            endpoint,
            version,
            http,
            exporters: BTreeMap::new(),
        })
    }

    pub(super) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sends the spans of one service.
    pub(super) async fn send(&mut self, service: &str, spans: Vec<SpanData>) -> Delivery {
        if !self.exporters.contains_key(service) {
            match self.exporter(service) {
                Ok(exporter) => self.exporters.insert(service.to_owned(), exporter),
                Err(error) => return Delivery::Rejected(error.to_string()),
            };
        }
        let Some(exporter) = self.exporters.get(service) else {
            return Delivery::Rejected("no exporter".to_owned());
        };
        match exporter.export(spans).await {
            Ok(()) => Delivery::Accepted,
            Err(error) => self
                .http
                .take_last()
                .unwrap_or_else(|| Delivery::Rejected(error.to_string())),
        }
    }

    fn exporter(&self, service: &str) -> Result<SpanExporter, ExporterError> {
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(self.http.clone())
            .with_endpoint(self.endpoint.url().as_str())
            .with_protocol(Protocol::HttpJson)
            .with_timeout(REQUEST_TIMEOUT)
            // A batch is sent again by the export itself, which sees the status.
            .with_retry_policy(RetryPolicy::disabled())
            .build()?;
        let resource = Resource::builder_empty()
            .with_attributes([
                KeyValue::new("service.namespace", "ticketing"),
                KeyValue::new(SERVICE_NAME, service.to_owned()),
                KeyValue::new("service.version", self.version),
            ])
            .build();
        exporter.set_resource(&resource);
        Ok(exporter)
    }
}

/// An HTTP client that keeps the outcome of its last request: the exporter's errors do not name the status.
#[derive(Clone, Debug)]
struct ObservedClient {
    client: reqwest::Client,
    last: Arc<Mutex<Option<Delivery>>>,
}

impl ObservedClient {
    fn set_last(&self, delivery: Delivery) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(delivery);
    }

    fn take_last(&self) -> Option<Delivery> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl HttpClient for ObservedClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let sent = self
            .client
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers)
            .body(body)
            .send();
        let response = match sent.await {
            Ok(response) => response,
            Err(error) => {
                let error = error.without_url();
                self.set_last(Delivery::Retryable(error.to_string()));
                return Err(error.into());
            }
        };
        let status = response.status();
        self.set_last(delivery(status));
        let mut read = Response::new(response.bytes().await?);
        *read.status_mut() = status;
        Ok(read)
    }
}

/// <https://opentelemetry.io/docs/specs/otlp/#failures-1>
fn delivery(status: StatusCode) -> Delivery {
    match status.as_u16() {
        200..=299 => Delivery::Accepted,
        429 | 502 | 503 | 504 => Delivery::Retryable(status.to_string()),
        _ => Delivery::Rejected(status.to_string()),
    }
}
