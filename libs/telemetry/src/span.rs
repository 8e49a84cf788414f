use std::fmt;

use opentelemetry::{
    Context, Value,
    trace::{SpanKind, Status, TraceContextExt},
};
use tracing::Span as TracingSpan;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{
    Traceparent,
    context::service_of,
    export::is_exporting,
    sampling::NotExported,
    subscriber::{ENTRY, INNER},
};

/// The attribute that names the service of a span until it is exported: then it is one of its resource.
pub(crate) const SERVICE_NAME: &str = "service.name";

/// A span of a trace, until it is dropped. Work runs in its `tracing` span ([`Span::to_tracing`]).
///
/// Names and attributes are OpenTelemetry's semantic conventions; a name holds nothing unbounded, such as an id.
#[derive(Debug)]
pub struct Span {
    tracing: TracingSpan,
    /// Where there is no span of its own, because spans are not exported.
    fallback: Option<Traceparent>,
    is_recording: bool,
}

impl Span {
    /// Starts a span for something that comes from outside of `within`, which is usually a service's span: the next span
    /// of the `remote` trace, or the first of a new one. It has an id even where spans are not exported.
    pub fn entry(within: &TracingSpan, kind: SpanKind, name: fmt::Arguments<'_>, remote: Option<Traceparent>) -> Self {
        Self::start_entry(
            within,
            kind,
            name,
            remote.map_or_else(Context::new, Traceparent::to_context),
        )
    }

    /// The same, but neither it nor a span below it is exported.
    pub fn entry_not_exported(within: &TracingSpan, remote: Option<Traceparent>) -> Self {
        let context = remote.map_or_else(Context::new, Traceparent::to_context);
        Self::start_entry(
            within,
            SpanKind::Server,
            format_args!(""),
            context.with_value(NotExported),
        )
    }

    fn start_entry(within: &TracingSpan, kind: SpanKind, name: fmt::Arguments<'_>, parent: Context) -> Self {
        let span = if is_exporting() {
            tracing::info_span!(target: ENTRY, parent: within, "entry", otel.name = %name, otel.kind = kind_name(kind))
        } else {
            tracing::info_span!(target: ENTRY, parent: within, "entry")
        };
        // Fails only where no subscriber is installed, and then there are no spans at all.
        let _ = span.set_parent(parent);
        Self::started(span, None)
    }

    /// Starts a span below the current one.
    pub fn inner(kind: SpanKind, name: fmt::Arguments<'_>) -> Self {
        Self::inner_of(kind, name, None)
    }

    /// Starts a span below `parent`, or else below the current one.
    pub fn inner_of(kind: SpanKind, name: fmt::Arguments<'_>, parent: Option<Traceparent>) -> Self {
        let span = tracing::info_span!(target: INNER, "inner", otel.name = %name, otel.kind = kind_name(kind));
        if span.is_disabled() {
            return Self {
                tracing: TracingSpan::current(),
                fallback: parent,
                is_recording: false,
            };
        }
        if let Some(parent) = parent {
            let _ = span.set_parent(parent.to_context());
        }
        Self::started(span, parent)
    }

    fn started(tracing: TracingSpan, fallback: Option<Traceparent>) -> Self {
        let is_recording = is_exporting() && tracing.context().span().is_recording();
        let started = Self {
            tracing,
            fallback,
            is_recording,
        };
        if is_recording && let Some(service) = service_of(&started.tracing) {
            started.set(SERVICE_NAME, service);
        }
        started
    }

    /// Its trace and id; without one of its own, that of its parent.
    pub fn traceparent(&self) -> Option<Traceparent> {
        if self.is_recording {
            Traceparent::of_span(&self.tracing)
        } else {
            self.fallback.or_else(|| Traceparent::of_span(&self.tracing))
        }
    }

    /// Whether it will be exported, and attributes are worth finding out.
    pub const fn is_recording(&self) -> bool {
        self.is_recording
    }

    /// Sets an attribute. Never a secret.
    pub fn set(&self, name: &'static str, value: impl Into<Value>) {
        if self.is_recording {
            self.tracing.set_attribute(name, value);
        }
    }

    /// Links a span of another trace.
    pub fn link(&self, other: Traceparent) {
        if self.is_recording {
            self.tracing.add_link(other.to_span_context());
        }
    }

    /// Marks it as failed. Never a secret.
    pub fn fail(&self, reason: impl fmt::Display) {
        if self.is_recording {
            self.tracing.set_status(Status::error(reason.to_string()));
        }
    }

    /// The `tracing` span in which its work runs, to go on with in another task or thread.
    pub fn to_tracing(&self) -> TracingSpan {
        self.tracing.clone()
    }

    /// Runs a closure in it.
    pub fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        self.tracing.in_scope(work)
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        // OpenTelemetry takes the time of the last exit for its end.
        if self.is_recording {
            self.tracing.in_scope(|| ());
        }
    }
}

/// What `tracing_opentelemetry` reads.
#[expect(
    clippy::needless_pass_by_value,
    reason = "callers pass constants; it only lacks Copy"
)]
const fn kind_name(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Client => "client",
        SpanKind::Server => "server",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
        SpanKind::Internal => "internal",
    }
}
