use tracing::{
    Span as TracingSpan, dispatcher,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{
    Layer, Registry,
    layer::Context,
    registry::{LookupSpan, SpanRef},
};

use crate::{Traceparent, subscriber::SERVICE};

/// The span in which a service runs. It is not exported: it names the service of log lines and of spans below it.
pub fn service_span(service: &'static str) -> TracingSpan {
    tracing::info_span!(target: SERVICE, parent: None, "service", service)
}

/// The current span of the current trace, if there is one.
pub fn current_traceparent() -> Option<Traceparent> {
    Traceparent::of_span(&TracingSpan::current())
}

/// The service whose work runs now, if it is known.
pub fn current_service() -> Option<String> {
    service_of(&TracingSpan::current())
}

pub(crate) fn service_of(span: &TracingSpan) -> Option<String> {
    let id = span.id()?;
    dispatcher::get_default(|dispatch| {
        let span = dispatch.downcast_ref::<Registry>()?.span(&id)?;
        let name = |span: SpanRef<'_, Registry>| span.extensions().get::<ServiceName>().map(|name| name.0.clone());
        span.scope().find_map(name)
    })
}

/// The service of a [`service_span`].
struct ServiceName(String);

/// Stores the names of services with their spans.
pub(crate) struct ServiceNames;

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for ServiceNames {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut name = NameVisitor(None);
        attributes.record(&mut name);
        if let (Some(span), Some(name)) = (context.span(id), name.0) {
            span.extensions_mut().insert(ServiceName(name));
        }
    }
}

struct NameVisitor(Option<String>);

impl Visit for NameVisitor {
    fn record_str(&mut self, _: &Field, value: &str) {
        self.0 = Some(value.to_owned());
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
