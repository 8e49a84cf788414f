use std::time::Duration;

use db::Db;
use futures_util::future::try_join_all;
use lapin::Connection;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;
use values::{Clock, Timestamp};

use crate::{
    AmqpUrl, BrokerLocator, Config, ConnectionState, Error, Namespace, Recovery, TopologyMode,
    backoff::retry_backoff,
    bus_metrics::BusMetrics,
    connection::{ConsumingConnection, Purpose, close, confirming_channel, connect, connection_loss, with_timeout},
    consumer::{FailedMessages, QueueConsumer, collect_queue_depths},
    journal::JournalRecovery,
    outbox::Relay,
    publishers::Publishers,
    topology::Topology,
};

/// Bounds the time between shutdown and the end: for the current batch, and for the outbox.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(4);

/// After a connection of at least this length the backoff starts over.
const STABLE_CONNECTION: Duration = Duration::from_secs(5);

/// The connections of one session. The broker blocks connections that publish while it lacks memory or disk space, and a
/// blocked connection cannot acknowledge either.
struct Connections {
    publishing: Connection,
    consuming: ConsumingConnection,
    /// The users of all services, as which this one has connected.
    publishers: Publishers,
}

/// Connects to the broker, publishes and consumes, and connects again after each loss.
pub(crate) struct Supervisor {
    broker: BrokerLocator,
    /// The name of the connection in the broker.
    connection_name: String,
    namespace: Namespace,
    service: &'static str,
    topology: Topology,
    topology_mode: TopologyMode,
    unidentified_until: Option<Timestamp>,
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
            topology: topology_mode,
            unidentified_until,
            event_batches,
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
        let topology = consumers.iter().fold(Topology::new(&namespace), |topology, consumer| {
            topology.with_retry_queues(&namespace, service, &consumer.queue_name, &retry_delays)
        });
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
            topology_mode,
            unidentified_until,
            recovered: recovery
                .as_ref()
                .map_or_else(|| watch::Sender::new(true), |recovery| recovery.done.clone()),
            recovery,
            relay: Relay::new(
                db.clone(),
                clock.clone(),
                namespace.clone(),
                metrics.clone(),
                event_batches,
            ),
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
        let Connections {
            publishing,
            consuming,
            publishers,
        } = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            connections = self.connect() => connections?,
        };
        let lost = first_loss(
            &publishing,
            consuming.connection(),
            self.state.clone(),
            self.clock.clone(),
        );
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
                    consuming: &consuming,
                    publishing: &publishing,
                    publishers: &publishers,
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
            publish_and_consume(&publishing, &consuming, &publishers, relay, consumers, &shutdown).await
        };
        let shutdown_timeout = async {
            shutdown.cancelled().await;
            tokio::time::sleep(SHUTDOWN_TIMEOUT).await;
        };
        let outcome = tokio::select! {
            outcome = work => outcome,
            error = lost => Err(error),
            () = collect_queue_depths(consuming.connection(), namespace, service, consumers, metrics) => Ok(()),
            () = shutdown_timeout => Ok(()),
        };
        metrics.clear_queue_depths();
        relay.delete_confirmed().await;
        tokio::join!(close(&publishing), consuming.close());
        // During shutdown a loss of the connection is not reported.
        if shutdown.is_cancelled() { Ok(()) } else { outcome }
    }

    async fn connect(&self) -> Result<Connections, Error> {
        let url = self.broker.url()?;
        let name = &self.connection_name;
        let connections = Connections {
            publishing: connect(&url, &format!("{name} (publishing)"), Purpose::Publishing).await?,
            consuming: ConsumingConnection::new(
                connect(&url, &format!("{name} (consuming)"), Purpose::Receiving).await?,
            ),
            publishers: self.publishers(&url),
        };
        match self.topology_mode {
            TopologyMode::Declare => with_timeout(self.topology.declare(connections.consuming.connection())).await?,
            TopologyMode::Existing => with_timeout(self.topology.check(connections.consuming.connection())).await?,
        }
        tracing::info!(broker = %url, "connected to the broker");
        self.metrics.count_connection();
        self.state.send_replace(ConnectionState::Connected);
        Ok(connections)
    }

    fn publishers(&self, url: &AmqpUrl) -> Publishers {
        Publishers::new(url, self.service, self.unidentified_until)
    }

    /// Publishes the new state, and logs it once for each reason.
    fn report_down(&self, error: &Error) {
        let reason = error.to_string();
        let (since, is_new) = match &*self.state.borrow() {
            ConnectionState::Down { since, reason: before } => (*since, *before != reason),
            ConnectionState::Connecting | ConnectionState::Connected | ConnectionState::Blocked { .. } => {
                (self.clock.now(), true)
            }
        };
        if is_new {
            tracing::warn!(reason, "not connected to the broker, events stay in the outbox");
        }
        self.state.send_replace(ConnectionState::Down { since, reason });
    }
}

/// Publishes and consumes until `shutdown`. Then finishes the current batches and publishes the events they led to.
async fn publish_and_consume(
    publishing: &Connection,
    consuming: &ConsumingConnection,
    publishers: &Publishers,
    relay: &mut Relay,
    consumers: &[QueueConsumer],
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    // All channels for publishing are opened before the first message is published: under an alarm the broker stops reading
    // a connection once it has published, and would not open further ones until the alarm ends.
    let channel = confirming_channel(publishing).await?;
    let opening = consumers
        .iter()
        .map(|consumer| FailedMessages::open(consumer, publishing, publishers));
    let copies = try_join_all(opening).await?;
    let consumed = CancellationToken::new();
    let consuming = async {
        try_join_all(
            consumers
                .iter()
                .zip(copies)
                .map(|(consumer, copies)| consumer.run(consuming, copies, publishers, shutdown)),
        )
        .await?;
        shutdown.cancelled().await;
        consumed.cancel();
        Ok(())
    };
    tokio::try_join!(consuming, relay.run(&channel, publishers, &consumed))?;
    Ok(())
}

/// Resolves when one of the connections is lost. Meanwhile publishes in `state` whether the broker blocks publishing. Call it
/// before the first operation, so that no loss is missed.
fn first_loss(
    publishing: &Connection,
    consuming: &Connection,
    state: watch::Sender<ConnectionState>,
    clock: Clock,
) -> impl Future<Output = Error> {
    let blocked = move |reason: Option<String>| {
        state.send_replace(match reason {
            Some(reason) => ConnectionState::Blocked {
                since: clock.now(),
                reason,
            },
            None => ConnectionState::Connected,
        });
    };
    let publishing = connection_loss(publishing, blocked);
    let consuming = connection_loss(consuming, |_| {});
    async {
        tokio::select! {
            error = publishing => error,
            error = consuming => error,
        }
    }
}
