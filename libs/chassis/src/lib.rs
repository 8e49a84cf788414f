//! What every service needs to run, written once: command line, configuration, logs, HTTP server, health, periodic
//! jobs, start and stop. A service says what it is by implementing [`Service`]; its `main` is one line:
//!
//! ```ignore
//! fn main() -> std::process::ExitCode {
//!     chassis::main::<order::Order>()
//! }
//! ```

mod arriving;
mod cli;
mod command;
mod http;
mod jobs;
mod log_line;
mod mistakes;
mod observed;
mod paths;
mod peers;
mod readiness;
mod recovering;
mod run;
mod scrape;
mod secret;
mod service;
mod settings;
mod spec;
mod telemetry;
mod traces;

pub use arriving::arrival;
pub use cli::{command_line, main};
pub use http::{Served, serve};
pub use jobs::Job;
pub use metrics::Readings;
pub use mistakes::Mistakes;
pub use recovering::Recovered;
pub use run::{Running, start};
pub use secret::Secret;
pub use service::{Context, NoCommand, NoSettings, Parts, Service, StartError};
pub use settings::{BusSettings, CommonArgs, CommonSettings, LogArgs};
pub use spec::{merged, spec, swagger_ui};
pub use telemetry::{LogFormat, start as start_telemetry};
pub use traces::TraceArgs;
