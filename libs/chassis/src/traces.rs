use std::{future::Future, time::Duration};

use otlp::{Endpoint, Exporter};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{ConfigErrors, OperatorError};

/// How long the collector may take for what is left when the process ends.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where traces go.
#[derive(Clone, Debug, clap::Args)]
pub struct TraceArgs {
    /// The OpenTelemetry collector that takes traces, such as `http://127.0.0.1:4318`; `OTEL_EXPORTER_OTLP_ENDPOINT` is
    /// understood as well [default: none, nothing is recorded]
    #[arg(long, env = "TICKETING_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// How many of a hundred traces that begin here are recorded (0 to 100). Who sends a traceparent has decided already.
    #[arg(long, env = "TICKETING_OTLP_PERCENT", default_value = "100", value_name = "PERCENT")]
    otlp_percent: String,
}

impl TraceArgs {
    /// Does `work`, and sends its traces where they are to go; at the end also what is left. Needs a tokio runtime, and
    /// comes before services start.
    pub async fn recorded<T>(&self, work: impl Future<Output = Result<T, OperatorError>>) -> Result<T, OperatorError> {
        let mut errors = ConfigErrors::default();
        let settings = self.settings(&mut errors);
        if !errors.is_empty() {
            return Err(OperatorError::new(&errors));
        }
        let Some((endpoint, percent)) = settings else {
            return work.await;
        };
        let (outlet, exporter) =
            Exporter::new(endpoint, percent, env!("CARGO_PKG_VERSION")).map_err(OperatorError::new)?;
        trace::record_to(outlet).map_err(OperatorError::new)?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(exporter.run(stop.clone()));
        let done = work.await;
        stop.cancel();
        tasks.close();
        // A collector that is away is no reason to stay.
        let _ = tokio::time::timeout(LAST_WORDS, tasks.wait()).await;
        done
    }

    fn settings(&self, errors: &mut ConfigErrors) -> Option<(Endpoint, u8)> {
        let percent = errors.parse::<u8>("--otlp-percent", &self.otlp_percent);
        let percent = percent.and_then(|percent| {
            errors.check(
                "--otlp-percent",
                (percent <= 100).then_some(percent).ok_or("must be 0 to 100"),
            )
        });
        let endpoint = self
            .otlp_endpoint
            .clone()
            .or_else(of_opentelemetry)
            .filter(|endpoint| !endpoint.is_empty())?;
        Some((errors.parse("--otlp-endpoint", &endpoint)?, percent?))
    }
}

/// The name that every program with OpenTelemetry knows.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where configuration is read; clap takes one name for each flag"
)]
fn of_opentelemetry() -> Option<String> {
    std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(endpoint: Option<&str>, percent: &str) -> Result<Option<(String, u8)>, String> {
        let args = TraceArgs {
            otlp_endpoint: endpoint.map(ToOwned::to_owned),
            otlp_percent: percent.to_owned(),
        };
        let mut errors = ConfigErrors::default();
        let settings = args
            .settings(&mut errors)
            .map(|(endpoint, percent)| (endpoint.url().to_string(), percent));
        if errors.is_empty() {
            Ok(settings)
        } else {
            Err(errors.to_string())
        }
    }

    #[test]
    fn traces_go_nowhere_unless_told_where() {
        assert_eq!(settings(None, "100"), Ok(None));
        let there = settings(Some("http://127.0.0.1:4318"), "5");
        assert_eq!(there, Ok(Some(("http://127.0.0.1:4318/v1/traces".to_owned(), 5))));
        let told = settings(Some("https://127.0.0.1:4318"), "101").unwrap_err();
        assert!(told.contains("--otlp-percent: must be 0 to 100"), "{told}");
        assert!(told.contains("--otlp-endpoint: must begin with http://"), "{told}");
    }
}
