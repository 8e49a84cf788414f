use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Metadata, Subscriber, level_filters::LevelFilter, subscriber::Interest};
use tracing_subscriber::{
    Layer, Registry,
    filter::Targets,
    layer::{Context, Filter, SubscriberExt},
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::{
    context::ServiceNames,
    export::{ToQueue, is_exporting},
    sampling::Sampling,
};

/// The target of the spans of services.
pub(crate) const SERVICE: &str = "ticketing::service";
/// The target of entry spans.
pub(crate) const ENTRY: &str = "ticketing::entry";
/// The target of inner spans.
pub(crate) const INNER: &str = "ticketing::inner";

/// A subscriber that gives spans their ids, and exports them once there is an exporter. A layer for log lines can be added.
pub fn span_layers() -> impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync + 'static {
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampling)
        .with_span_processor(ToQueue)
        .build();
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("ticketing"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_context_activation(false);
    // A provider that is dropped shuts down, and its spans have no ids; this one lives as long as the process.
    std::mem::forget(provider);
    let services = Targets::new().with_target(SERVICE, LevelFilter::INFO);
    Registry::default()
        .with(spans.with_filter(ExportedSpans))
        .with(ServiceNames.with_filter(services))
}

/// Installs [`span_layers`] without log lines, unless the process has a subscriber.
pub fn install_default() {
    // Fails if one is installed, which stays.
    let _ = span_layers().try_init();
}

/// Our spans, and no events. Its answer for a callsite is cached until the cache is rebuilt.
pub(crate) struct ExportedSpans;

impl<S: Subscriber> Filter<S> for ExportedSpans {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        match metadata.target() {
            ENTRY => true,
            INNER => is_exporting(),
            _ => false,
        }
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match metadata.target() {
            ENTRY => Interest::always(),
            INNER if is_exporting() => Interest::always(),
            _ => Interest::never(),
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }
}
