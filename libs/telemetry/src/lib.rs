//! Trace context and spans of the services: `tracing` spans with OpenTelemetry ids and attributes.
//!
//! The current `tracing` span is the only context. A service runs in its [`service_span`]; a request, a consumed message
//! and a payment that is settled start an *entry* span ([`Span::entry`]); a write, a published message and a call to Stripe
//! are *inner* spans ([`Span::inner`]). Entry spans always exist, because logs, responses and events carry their ids.
//! Inner spans and all attributes exist only while spans are exported ([`export_to`]).

mod context;
mod export;
mod sampling;
mod span;
mod subscriber;
mod traceparent;

pub use context::{current_service, current_traceparent, service_span};
pub use export::{
    AlreadyExporting, Endpoint, ExporterError, InvalidEndpoint, SpanExport, SpanQueue, dropped_spans, export_to,
};
pub use opentelemetry::trace::SpanKind;
pub use opentelemetry_sdk::trace::SpanData;
pub use span::Span;
pub use subscriber::{install_default, span_layers};
pub use traceparent::{InvalidTraceparent, Traceparent};
