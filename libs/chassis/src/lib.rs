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
mod service;
mod settings;
mod spec;
mod telemetry;
mod traces;

pub use cli::{command_line, main};
pub use http::{BoundListener, serve};
pub use jobs::Job;
pub use metrics::Samples;
pub use recovering::RecoveryStatus;
pub use replication::wait_for_replication;
pub use run::{Running, start};
pub use service::{Context, NoCommand, OperatorError, Parts, Service};
pub use settings::{
    AmqpUrlFlag, BusSettings, CommandLineError, CommonSettings, ConfigErrors, ConsulSettings, LogSettings, Secret,
    SecretArg, SecretFlag, Settings, at_least, default_settings, in_range, log_filter, parse, parse_settings, parsed,
    seconds,
};
pub use spec::{merged, spec, swagger_ui};
pub use telemetry::{LogFormat, start as start_telemetry};
pub use traces::TraceSettings;
