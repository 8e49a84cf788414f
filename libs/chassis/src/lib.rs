//! The common parts of all services: command line, settings, logs, HTTP server, health, metrics, periodic jobs, start and
//! stop. A service implements [`Service`]; its `main` is one line:
//!
//! ```ignore
//! fn main() -> std::process::ExitCode {
//!     chassis::main::<order::Order>()
//! }
//! ```

mod audit_log;
mod cli;
mod client_address;
mod http;
mod jobs;
mod log_line;
mod logging;
mod low_priority;
mod observed;
mod peers;
mod printable;
mod recovery;
mod replication;
mod revocations;
mod running;
mod service;
mod settings;
mod signals;
pub mod site;
mod trace_settings;

use cli::main_of;
pub use cli::{command_line, main};
pub use client_address::{ClientAddress, ClientNetwork, TrustedProxies};
pub use http::{
    Asset, BoundListener, RequestIds, Server, ServerLimits, ServerShutdown, accepts_gzip, document_routes,
    merge_documents, openapi_document, raise_file_limit, serve, swagger_ui_page,
};
pub use jobs::{Job, purge_job};
pub use logging::{LogFormat, start as start_telemetry};
pub use low_priority::{ThreadError, run_at_low_priority};
pub use metrics::Samples;
pub use printable::{printable, printable_lines};
pub use recovery::RecoveryStatus;
pub use replication::{REPLICATION_TIMEOUT, wait_for_newer_state, wait_for_replication};
pub use running::{Running, start};
pub use service::{Context, NoCommand, OperatorError, Service, ServiceParts};
pub use settings::{
    AmqpUrlFlag, BusSettings, CommandLineError, CommonSettings, ConfigErrors, ConsulSettings, HttpSettings,
    LogSettings, Secret, SecretArg, SecretFlag, Settings, SiteSettings, at_least, default_settings, in_range, list_of,
    log_filter, parse, parse_settings, parsed, seconds,
};
pub use trace_settings::TraceSettings;
