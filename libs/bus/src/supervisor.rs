use std::time::Duration;

use db::Db;
use futures_util::future::try_join_all;
use lapin::Connection;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;
use values::Clock;

use crate::{
    BrokerLocator, Config, ConnectionState, Error, Namespace, Recovery,
    backoff::retry_backoff,
    bus_metrics::BusMetrics,
    connection::{close, confirming_channel, connect, connection_loss, with_timeout},
    consumer::{QueueConsumer, collect_queue_depths},
    journal::JournalRecovery,
    outbox::Relay,
    topology::Topology,
};

/// Bounds the time between shutdown and the end: for the current batch, and for the outbox.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(4);

/// After a connection of at least this length the backoff starts over.
const STABLE_CONNECTION: Duration = Duration::from_secs(5);

/// Connects to the broker, publishes and consumes, and connects again after each loss.
pub(crate) struct Supervisor {
    broker: BrokerLocator,
    /// The name of the connection in the broker.
    connection_name: String,
    namespace: Namespace,
    service: &'static str,
    topology: Topology,
    recovery: Option<Recovery>,
    recovered: watch::Sender<bool>,
    relay: Relay,
    consumers: Vec<QueueConsumer>,
    db: Db,
    metrics: BusMetrics,
    clock: Clock,
    shutdown: CancellationToken,
    state: watch::Sender<ConnectionState>,
}

impl Supervisor {
    pub(crate) fn new(config: Config, db: Db, clock: Clock, shutdown: CancellationToken, metrics: BusMetrics) -> Self {
        let Config {
            broker,
            namespace,
            service,
            delay_ladder,
            retry_delays,
            consumers,
            recovery,
        } = config;
        let consumers: Vec<_> = consumers
            .into_iter()
            .map(|consumer| QueueConsumer {
                db: db.clone(),
                clock: clock.clone(),
                namespace: namespace.clone(),
                service,
                queue: consumer.queue,
                queue_name: consumer.queue.name(&namespace, service),
                handler: consumer.handler,
                retry_delays,
                metrics: metrics.clone(),
            })
            .collect();
        let topology = Topology::new(&namespace, &retry_delays);
        let topology = match &delay_ladder {
            Some(delay_ladder) => topology.with_timers(&namespace, service, delay_ladder),
            None => topology,
        };
        metrics.create_publish_series(service);
        metrics.create_queue_series(consumers.iter().map(|consumer| consumer.queue));
        Self {
            broker,
            connection_name: namespace.service_queue(service),
            topology,
            recovered: recovery
                .as_ref()
                .map_or_else(|| watch::Sender::new(true), |recovery| recovery.done.clone()),
            recovery,
            relay: Relay::new(db.clone(), clock.clone(), namespace.clone(), metrics.clone()),
            db,
            namespace,
            service,
            consumers,
            metrics,
            clock,
            shutdown,
            state: watch::Sender::new(ConnectionState::Connecting),
        }
    }

    pub(crate) fn state(&self) -> watch::Receiver<ConnectionState> {
        self.state.subscribe()
    }

    pub(crate) fn recovered(&self) -> watch::Receiver<bool> {
        self.recovered.subscribe()
    }

    pub(crate) async fn run(mut self) {
        let shutdown = self.shutdown.clone();
        let mut backoff = retry_backoff();
        loop {
            let began = Instant::now();
            // Boxed, because a session is large and waits for most of its life.
            let Err(error) = Box::pin(self.run_session()).await else {
                return;
            };
            self.report_down(&error);
            if began.elapsed() > STABLE_CONNECTION {
                backoff.reset();
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(backoff.next_delay()) => {}
            }
        }
    }

    /// Runs one connection from beginning to end. Returns `Ok` on shutdown.
    async fn run_session(&mut self) -> Result<(), Error> {
        let shutdown = self.shutdown.clone();
        let connection = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            connection = self.connect() => connection?,
        };
        let lost = connection_loss(&connection);
        let Self {
            namespace,
            service,
            recovery,
            recovered,
            relay,
            consumers,
            db,
            metrics,
            clock,
            ..
        } = self;
        let work = async {
            if let Some(plan) = recovery.as_ref() {
                let journal_recovery = JournalRecovery {
                    plan,
                    connection: &connection,
                    namespace,
                    service,
                    consumers,
                    db,
                    clock,
                };
                tokio::select! {
                    () = shutdown.cancelled() => return Ok(()),
                    outcome = journal_recovery.run() => outcome?,
                }
                *recovery = None;
                recovered.send_replace(true);
            }
            publish_and_consume(&connection, relay, consumers, &shutdown).await
        };
        let shutdown_timeout = async {
            shutdown.cancelled().await;
            tokio::time::sleep(SHUTDOWN_TIMEOUT).await;
        };
        let outcome = tokio::select! {
            outcome = work => outcome,
            error = lost => Err(error),
            () = collect_queue_depths(&connection, namespace, service, consumers, metrics) => Ok(()),
            () = shutdown_timeout => Ok(()),
        };
        metrics.clear_queue_depths();
        close(&connection).await;
        // During shutdown a loss of the connection is not reported.
        if shutdown.is_cancelled() { Ok(()) } else { outcome }
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let url = self.broker.url()?;
        let connection = connect(&url, &self.connection_name).await?;
        with_timeout(self.topology.declare(&connection)).await?;
        tracing::info!(broker = %url, "connected to the broker");
        self.metrics.count_connection();
        self.state.send_replace(ConnectionState::Connected);
        Ok(connection)
    }

    /// Publishes the new state, and logs it once for each reason.
    fn report_down(&self, error: &Error) {
        let reason = error.to_string();
        let (since, is_new) = match &*self.state.borrow() {
            ConnectionState::Down { since, reason: before } => (*since, *before != reason),
            ConnectionState::Connecting | ConnectionState::Connected => (self.clock.now(), true),
        };
        if is_new {
            tracing::warn!(reason, "not connected to the broker, events stay in the outbox");
        }
        self.state.send_replace(ConnectionState::Down { since, reason });
    }
}

/// Publishes and consumes until `shutdown`. Then finishes the current batches and publishes the events they led to.
async fn publish_and_consume(
    connection: &Connection,
    relay: &mut Relay,
    consumers: &[QueueConsumer],
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    let channel = confirming_channel(connection).await?;
    let consumed = CancellationToken::new();
    let consuming = async {
        try_join_all(consumers.iter().map(|consumer| consumer.run(connection, shutdown))).await?;
        shutdown.cancelled().await;
        consumed.cancel();
        Ok(())
    };
    tokio::try_join!(consuming, relay.run(&channel, &consumed))?;
    Ok(())
}
