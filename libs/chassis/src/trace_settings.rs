use std::{future::Future, time::Duration};

use telemetry::{Endpoint, SpanExport};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{ConfigErrors, OperatorError, Settings, in_range, parsed};

/// The timeout of sending the rest of the spans when the process ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// The collector of traces.
#[derive(Clone, Debug, clap::Args)]
pub struct TraceSettings {
    /// Send traces to this OpenTelemetry collector, such as `http://127.0.0.1:4318`; `OTEL_EXPORTER_OTLP_ENDPOINT` is
    /// read as well [default: none, traces are not exported]
    #[arg(long, env = "TICKETING_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// Export this percentage of the traces that begin here (0 to 100). A caller's traceparent has decided already.
    #[arg(
        long,
        env = "TICKETING_OTLP_PERCENT",
        default_value = "100",
        value_name = "PERCENT",
        value_parser = in_range::<u8>(0..=100)
    )]
    otlp_percent: u8,
}

impl TraceSettings {
    /// Runs `work` and exports its spans, at the end also those that still wait. Needs a tokio runtime, and logging that
    /// has started.
    pub async fn export_during<T>(
        &self,
        work: impl Future<Output = Result<T, OperatorError>>,
    ) -> Result<T, OperatorError> {
        let Some(endpoint) = self.endpoint().map_err(OperatorError::new)? else {
            return work.await;
        };
        let (queue, export) =
            SpanExport::new(endpoint, self.otlp_percent, env!("CARGO_PKG_VERSION")).map_err(OperatorError::new)?;
        telemetry::export_to(queue).map_err(OperatorError::new)?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(export.run(stop.clone()));
        let outcome = work.await;
        stop.cancel();
        tasks.close();
        // A collector that is away does not delay the end.
        let _ = tokio::time::timeout(FLUSH_TIMEOUT, tasks.wait()).await;
        outcome
    }

    /// An empty endpoint is none.
    fn endpoint(&self) -> Result<Option<Endpoint>, String> {
        let endpoint = self.otlp_endpoint.clone().or_else(opentelemetry_endpoint);
        let endpoint = endpoint.filter(|endpoint| !endpoint.is_empty());
        endpoint.map(|endpoint| parsed(&endpoint)).transpose()
    }
}

impl Settings for TraceSettings {
    fn validate(&self, errors: &mut ConfigErrors) {
        errors.check("--otlp-endpoint", self.endpoint());
    }
}

/// Reads the variable that every program with OpenTelemetry reads.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where configuration is read; clap takes one name for each flag"
)]
fn opentelemetry_endpoint() -> Option<String> {
    std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT").ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_settings;

    fn settings(arguments: &[&str]) -> Result<(Option<String>, u8), String> {
        let settings = parse_settings::<TraceSettings>(arguments).map_err(|errors| errors.to_string())?;
        let endpoint = settings.endpoint().unwrap();
        Ok((
            endpoint.map(|endpoint| endpoint.url().to_string()),
            settings.otlp_percent,
        ))
    }

    #[test]
    fn traces_are_sent_only_to_a_configured_collector() {
        assert_eq!(settings(&[]), Ok((None, 100)));
        assert_eq!(settings(&["--otlp-endpoint", ""]), Ok((None, 100)));
        let some = settings(&["--otlp-endpoint", "http://127.0.0.1:4318", "--otlp-percent", "5"]);
        assert_eq!(some, Ok((Some("http://127.0.0.1:4318/v1/traces".to_owned()), 5)));
        let error = settings(&["--otlp-endpoint", "https://127.0.0.1:4318", "--otlp-percent", "101"]).unwrap_err();
        assert!(error.contains("--otlp-percent: must be a number, 0 to 100"), "{error}");
        assert!(error.contains("--otlp-endpoint: must begin with http://"), "{error}");
    }
}
