use std::{io::IsTerminal, str::FromStr};

use tracing_subscriber::{EnvFilter, util::SubscriberInitExt};

use crate::{OperatorError, log_line::LogLine};

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For reading.
    Human,
}

impl LogFormat {
    /// Human on a terminal, else JSON.
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

/// What others log that we say ourselves, in better words; the operator's filter can bring it back.
const QUIET: &str = "lapin=off,rusqlite_migration=warn,stripe=error";

/// Starts logging, to standard error. Lines of several services are told apart by where they come from.
pub fn start(filter: &str, format: LogFormat) -> Result<(), OperatorError> {
    start_as(None, filter, format)
}

/// Starts logging, to standard error, for a process that is one service.
pub(crate) fn start_as(service: Option<&'static str>, filter: &str, format: LogFormat) -> Result<(), OperatorError> {
    let filter =
        EnvFilter::try_new(format!("{QUIET},{filter}")).map_err(|error| OperatorError(format!("--log: {error}")))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .event_format(LogLine::new(service, format));
    SubscriberInitExt::try_init(lines.finish()).map_err(OperatorError::new)
}
