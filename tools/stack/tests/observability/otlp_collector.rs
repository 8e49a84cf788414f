//! An OTLP collector that keeps all spans.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use poem::{
    Endpoint, Request, Response,
    http::{StatusCode, header},
};
use serde_json::Value;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A span as it was exported.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
    /// The ids of the linked traces.
    pub(crate) links: Vec<String>,
    trace: String,
    id: String,
    attributes: Value,
}

impl Span {
    fn from_otlp(service: &str, span: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let links = span["links"].as_array().into_iter().flatten();
        assert!(
            text(&span["endTimeUnixNano"]) >= text(&span["startTimeUnixNano"]),
            "{span}"
        );
        Self {
            service: service.to_owned(),
            name: text(&span["name"]),
            // Of a root it is missing or empty.
            parent: Some(text(&span["parentSpanId"])).filter(|id| !id.is_empty()),
            links: links.map(|link| text(&link["traceId"])).collect(),
            trace: text(&span["traceId"]),
            id: text(&span["spanId"]),
            attributes: span["attributes"].clone(),
        }
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.as_array()?.iter();
        attributes.find(|attribute| attribute["key"] == name)?["value"]["stringValue"].as_str()
    }

    /// Returns the event type of a span of a message.
    fn event(&self) -> Option<&str> {
        self.attribute("messaging.rabbitmq.destination.routing_key")
    }

    /// Returns a text such as `order: write order` or `order: send ticketing.order.created.v1`.
    pub(crate) fn summary(&self) -> String {
        let message = self
            .event()
            .map(|event| format!("{} {event}", self.attribute("messaging.operation.name").unwrap()));
        format!("{}: {}", self.service, message.as_ref().unwrap_or(&self.name))
    }
}

/// The spans of one trace.
#[derive(Debug)]
pub(crate) struct Trace(pub(crate) Vec<Span>);

impl Trace {
    pub(crate) fn parent(&self, span: &Span) -> Option<&Span> {
        self.0.iter().find(|other| Some(&other.id) == span.parent.as_ref())
    }

    /// Returns the spans from the root to `span`, which is the last.
    pub(crate) fn ancestors<'a>(&'a self, span: &'a Span) -> Vec<&'a Span> {
        let mut spans = vec![span];
        while let Some(parent) = self.parent(spans[spans.len() - 1]) {
            spans.push(parent);
        }
        spans.reverse();
        spans
    }

    /// Returns the span of an operation of a service on an event.
    pub(crate) fn find_message_span(&self, service: &str, operation: &str, event: &str) -> Option<&Span> {
        self.0.iter().find(|span| {
            span.service == service
                && span.attribute("messaging.operation.name") == Some(operation)
                && span.event() == Some(event)
        })
    }

    pub(crate) fn message_span(&self, service: &str, operation: &str, event: &str) -> &Span {
        self.find_message_span(service, operation, event).unwrap()
    }

    pub(crate) fn span(&self, service: &str, name: &str) -> &Span {
        let found = self.0.iter().find(|span| span.service == service && span.name == name);
        found.unwrap_or_else(|| panic!("no {name} of {service} in {self:#?}"))
    }
}

/// All spans that were exported.
#[derive(Clone, Debug, Default)]
pub(crate) struct CollectedSpans {
    /// The JSON bodies of all requests.
    pub(crate) raw: String,
    spans: Vec<Span>,
}

impl CollectedSpans {
    pub(crate) fn trace(&self, id: &str) -> Trace {
        Trace(self.spans.iter().filter(|span| span.trace == id).cloned().collect())
    }

    fn add_request(&mut self, text: &str) {
        let message: Value = serde_json::from_str(text).unwrap();
        for resource in message["resourceSpans"].as_array().unwrap() {
            let attributes = resource["resource"]["attributes"].as_array().unwrap();
            let service = attributes
                .iter()
                .find(|attribute| attribute["key"] == "service.name")
                .unwrap();
            let service = service["value"]["stringValue"].as_str().unwrap();
            let scopes = resource["scopeSpans"].as_array().unwrap().iter();
            let spans = scopes.flat_map(|scope| scope["spans"].as_array().unwrap());
            self.spans.extend(spans.map(|span| Span::from_otlp(service, span)));
        }
        self.raw.push_str(text);
    }
}

/// An HTTP server for OTLP requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct OtlpCollector(Arc<Mutex<CollectedSpans>>);

impl OtlpCollector {
    /// Serves on a free port for as long as the runtime lives.
    pub(crate) async fn serve(&self) -> SocketAddr {
        let served = chassis::BoundListener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let addr = served.addr;
        chassis::serve(served, self.clone(), CancellationToken::new(), &TaskTracker::new());
        addr
    }

    pub(crate) fn spans(&self) -> CollectedSpans {
        self.0.lock().unwrap().clone()
    }
}

impl Endpoint for OtlpCollector {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        assert_eq!(request.uri().path(), "/v1/traces");
        assert_eq!(request.header(header::CONTENT_TYPE), Some("application/json"));
        let text = request.take_body().into_string().await.unwrap();
        self.0.lock().unwrap().add_request(&text);
        Ok(StatusCode::OK.into())
    }
}
