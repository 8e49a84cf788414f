use db::Db;
use metrics::{MetricsRegistry, Samples};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;
use values::Clock;

use crate::{Config, ConnectionState, bus_metrics::BusMetrics, supervisor::Supervisor};

/// A service's connection to the broker. It reconnects after each loss until its shutdown token is cancelled.
#[derive(Clone, Debug)]
pub struct Bus {
    state: watch::Receiver<ConnectionState>,
    recovered: watch::Receiver<bool>,
    metrics: BusMetrics,
}

impl Bus {
    /// Starts a task in `tasks` that connects, declares the queues, runs [`Config::recovery`], publishes the outbox of `db`
    /// and consumes.
    ///
    /// On `shutdown` it finishes the current batch and publishes the outbox, for at most four seconds. Close `db` after
    /// `tasks` have ended.
    pub fn start(config: Config, db: Db, clock: Clock, shutdown: CancellationToken, tasks: &TaskTracker) -> Self {
        let (span, metrics) = (telemetry::service_span(config.service), BusMetrics::default());
        let supervisor = Supervisor::new(config, db, clock, shutdown, metrics.clone());
        let bus = Self {
            state: supervisor.state(),
            recovered: supervisor.recovered(),
            metrics,
        };
        tasks.spawn(supervisor.run().instrument(span));
        bus
    }

    /// Returns the state of the connection, now and at each change.
    pub fn state(&self) -> watch::Receiver<ConnectionState> {
        self.state.clone()
    }

    /// Registers the counters of published and consumed messages.
    pub fn register(&self, metrics: &MetricsRegistry) {
        self.metrics.register(metrics);
    }

    /// Collects the state of the connection and of the recovery.
    pub fn collect_metrics(&self, samples: &mut Samples) {
        let (connected, blocked) = match *self.state.borrow() {
            ConnectionState::Connected => (true, false),
            ConnectionState::Blocked { .. } => (true, true),
            ConnectionState::Connecting | ConnectionState::Down { .. } => (false, false),
        };
        samples.gauge(
            "ticketing_broker_connected",
            "Whether the service is connected to the broker",
            &[],
            connected.into(),
        );
        samples.gauge(
            "ticketing_broker_blocked",
            "Whether the broker accepts no messages because it lacks memory or disk space",
            &[],
            blocked.into(),
        );
        samples.gauge(
            "ticketing_catching_up",
            "Whether the database was restored and has not recovered from the journal yet",
            &[],
            (!*self.recovered.borrow()).into(),
        );
    }
}
