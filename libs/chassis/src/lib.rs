//! What every service needs to run, written once: command line, configuration, logs, HTTP server, health, periodic
//! jobs, start and stop. A service says what it is by implementing [`Service`]; its `main` is one line:
//!
//! ```ignore
//! fn main() -> std::process::ExitCode {
//!     chassis::main::<order::Order>()
//! }
//! ```

mod cli;
mod command;
mod config_errors;
mod http;
mod jobs;
mod log_line;
mod observed;
mod paths;
mod peers;
mod readiness;
mod recovering;
mod replication;
mod run;
mod scrape;
mod secret;
mod service;
mod settings;
mod spec;
mod telemetry;
mod traces;

pub use cli::{command_line, main};
pub use config_errors::ConfigErrors;
pub use http::{BoundListener, serve};
pub use jobs::Job;
pub use metrics::Samples;
pub use recovering::RecoveryStatus;
pub use replication::wait_for_replication;
pub use run::{Running, start};
pub use secret::Secret;
pub use service::{Context, NoCommand, NoSettings, OperatorError, Parts, Service};
pub use settings::{BusSettings, CommonArgs, CommonSettings, LogArgs};
pub use spec::{merged, spec, swagger_ui};
pub use telemetry::{LogFormat, start as start_telemetry};
pub use traces::TraceArgs;
