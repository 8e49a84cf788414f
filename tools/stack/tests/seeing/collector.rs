//! A collector of traces: takes OTLP, keeps all of it.

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

/// A span as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) parent: Option<String>,
    /// The traces that it is linked with.
    pub(crate) links: Vec<String>,
    trace: String,
    id: String,
    attributes: Value,
}

impl Span {
    fn read(service: &str, span: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let links = span["links"].as_array().into_iter().flatten();
        assert!(
            text(&span["endTimeUnixNano"]) >= text(&span["startTimeUnixNano"]),
            "{span}"
        );
        Self {
            service: service.to_owned(),
            name: text(&span["name"]),
            parent: span["parentSpanId"].as_str().map(ToOwned::to_owned),
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

    fn event(&self) -> Option<&str> {
        self.attribute("messaging.rabbitmq.destination.routing_key")
    }

    /// `order: send ticketing.order.created.v1`
    pub(crate) fn told(&self) -> String {
        let what = self
            .event()
            .map(|event| format!("{} {event}", self.attribute("messaging.operation.name").unwrap()));
        format!("{}: {}", self.service, what.as_ref().unwrap_or(&self.name))
    }
}

/// Spans of one trace.
#[derive(Debug)]
pub(crate) struct Spans(pub(crate) Vec<Span>);

impl Spans {
    pub(crate) fn parent(&self, of: &Span) -> Option<&Span> {
        self.0.iter().find(|span| Some(&span.id) == of.parent.as_ref())
    }

    /// From the root to the span itself.
    pub(crate) fn ancestors<'a>(&'a self, of: &'a Span) -> Vec<&'a Span> {
        let mut line = vec![of];
        while let Some(parent) = self.parent(line[line.len() - 1]) {
            line.push(parent);
        }
        line.reverse();
        line
    }

    pub(crate) fn try_find(&self, service: &str, operation: &str, event: &str) -> Option<&Span> {
        self.0.iter().find(|span| {
            span.service == service
                && span.attribute("messaging.operation.name") == Some(operation)
                && span.event() == Some(event)
        })
    }

    pub(crate) fn find(&self, service: &str, operation: &str, event: &str) -> &Span {
        self.try_find(service, operation, event).unwrap()
    }

    pub(crate) fn named(&self, service: &str, name: &str) -> &Span {
        let found = self.0.iter().find(|span| span.service == service && span.name == name);
        found.unwrap_or_else(|| panic!("no {name} of {service} in {self:#?}"))
    }
}

/// Everything that was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collected {
    /// As it came.
    pub(crate) raw: String,
    all: Vec<Span>,
}

impl Collected {
    pub(crate) fn of(&self, trace: &str) -> Spans {
        Spans(self.all.iter().filter(|span| span.trace == trace).cloned().collect())
    }

    fn take(&mut self, text: &str) {
        let message: Value = serde_json::from_str(text).unwrap();
        for resource in message["resourceSpans"].as_array().unwrap() {
            let about = resource["resource"]["attributes"].as_array().unwrap();
            let service = about
                .iter()
                .find(|attribute| attribute["key"] == "service.name")
                .unwrap();
            let service = service["value"]["stringValue"].as_str().unwrap();
            let scopes = resource["scopeSpans"].as_array().unwrap().iter();
            let spans = scopes.flat_map(|scope| scope["spans"].as_array().unwrap());
            self.all.extend(spans.map(|span| Span::read(service, span)));
        }
        self.raw.push_str(text);
    }
}

/// Where OTLP is sent to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collector(Arc<Mutex<Collected>>);

impl Collector {
    /// Listens, for as long as the runtime lives.
    pub(crate) async fn listen(&self) -> SocketAddr {
        let served = chassis::BoundListener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let addr = served.addr;
        chassis::serve(served, self.clone(), CancellationToken::new(), &TaskTracker::new()).unwrap();
        addr
    }

    pub(crate) fn collected(&self) -> Collected {
        self.0.lock().unwrap().clone()
    }
}

impl Endpoint for Collector {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        assert_eq!(request.uri().path(), "/v1/traces");
        assert_eq!(request.header(header::CONTENT_TYPE), Some("application/json"));
        let text = request.take_body().into_string().await.unwrap();
        self.0.lock().unwrap().take(&text);
        Ok(StatusCode::OK.into())
    }
}
