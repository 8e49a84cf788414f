//! From finished spans to an OpenTelemetry collector.

mod collector;
mod endpoint;
mod exporter;
mod queue;

pub use endpoint::{Endpoint, InvalidEndpoint};
pub use exporter::{ExporterError, SpanExport};
pub use queue::{AlreadyExporting, SpanQueue, dropped_spans, export_to};
pub(crate) use queue::{ToQueue, exported_percent, is_exporting};
