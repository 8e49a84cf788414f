use std::{io::IsTerminal, str::FromStr};

use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{OperatorError, log_line::LogLine};

/// The format of log lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For reading.
    Human,
}

impl LogFormat {
    /// Returns `Human` if standard error is a terminal, else `Json`.
    pub fn of_the_terminal() -> Self {
        if std::io::stderr().is_terminal() {
            Self::Human
        } else {
            Self::Json
        }
    }
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "human" => Ok(Self::Human),
            _ => Err("must be json or human"),
        }
    }
}

/// Libraries whose events our own log lines report better. The operator's filter can enable them again.
const QUIET_LIBRARIES: &str = "lapin=off,rusqlite_migration=warn,stripe=error";

/// Starts logging to standard error. Each line names the service in whose span it was logged.
pub fn start(filter: &str, format: LogFormat) -> Result<(), OperatorError> {
    start_for(None, filter, format)
}

/// Starts logging to standard error, for a process that is one service.
pub(crate) fn start_for(service: Option<&'static str>, filter: &str, format: LogFormat) -> Result<(), OperatorError> {
    let filter = EnvFilter::try_new(format!("{QUIET_LIBRARIES},{filter}"))
        .map_err(|error| OperatorError(format!("--log: {error}")))?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .event_format(LogLine::new(service, format))
        .with_filter(filter);
    SubscriberInitExt::try_init(telemetry::span_layers().with(lines)).map_err(OperatorError::new)
}
