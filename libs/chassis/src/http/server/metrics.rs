use metrics::{Counter, Gauge, Labelled, MetricsRegistry, counters};

use super::closing::CloseReason;

/// Metrics of the connections of a server.
#[derive(Clone)]
pub(super) struct ConnectionMetrics {
    pub(super) open: Gauge,
    /// `limited`: served health and metrics only. `dropped`: closed unserved.
    refused: Labelled<Counter>,
    closed: Labelled<Counter>,
    pub(super) held_response_bytes: Gauge,
    pub(super) accept_errors: Counter,
}

impl Default for ConnectionMetrics {
    fn default() -> Self {
        Self {
            open: Gauge::default(),
            refused: counters(["limited", "dropped"].map(|how| [("how", how)])),
            closed: counters(CloseReason::ALL.map(|reason| [("reason", reason.as_str())])),
            held_response_bytes: Gauge::default(),
            accept_errors: Counter::default(),
        }
    }
}

impl ConnectionMetrics {
    pub(super) fn of(metrics: &MetricsRegistry) -> Self {
        let all = Self::default();
        metrics.register("http_server_connections", "Open connections", all.open.clone());
        metrics.register(
            "http_server_connections_refused",
            "Connections beyond the maximum",
            all.refused.clone(),
        );
        metrics.register(
            "http_server_connections_closed",
            "Connections that ended, by reason",
            all.closed.clone(),
        );
        metrics.register(
            "http_server_held_response_bytes",
            "Bytes of responses that clients have not accepted yet",
            all.held_response_bytes.clone(),
        );
        metrics.register(
            "http_server_accept_errors",
            "Connections that could not be accepted, such as for want of files",
            all.accept_errors.clone(),
        );
        all
    }

    pub(super) fn refused(&self, how: &'static str) {
        self.refused.get_or_create(&[("how", how)]).inc();
    }

    pub(super) fn closed(&self, reason: CloseReason) {
        self.closed.get_or_create(&[("reason", reason.as_str())]).inc();
    }
}
