use std::{fmt, sync::Arc, time::Duration};

use db::Db;
use futures_util::future::try_join_all;
use lapin::Connection;
use metrics::{MetricsRegistry, Samples};
use tokio::{sync::watch, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::{Clock, Timestamp};

use crate::{
    AmqpUrl, DelayLadder, Error, EventHandler, Namespace, Recovery,
    backoff::retry_backoff,
    connection::{close, confirming_channel, connect, loss, patiently},
    consumer::Subscriber,
    depths::watch_depths,
    meters::Meters,
    recovery::Catching,
    relay::Relay,
    topology::Topology,
};

/// How long a message that failed waits before it comes back: the first time, the second time, the last time.
pub const RETRIES: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(30), Duration::from_mins(5)];

/// How long stopping may take: for the batch in hand, and then for what is in the outbox.
const LAST_MOMENT: Duration = Duration::from_secs(4);

/// A connection that lived this long was a good one: the next attempt follows at once.
const STABLE: Duration = Duration::from_secs(5);

/// What a service wants of the broker.
pub struct Config {
    /// Where the broker is.
    pub broker: BrokerLocator,
    /// What every name in the broker starts with.
    pub namespace: Namespace,
    /// Who we are.
    pub service: &'static str,
    /// The delay levels of the service's timers, if it has any. At most one service of a namespace may have them.
    pub delay_ladder: Option<DelayLadder>,
    /// How long a failed message waits before it comes back; usually [`RETRIES`].
    pub retries: [Duration; 3],
    /// What we listen to.
    pub consumers: Vec<Consumer>,
    /// What is done first, where the database was put back from a backup.
    pub recovery: Option<Recovery>,
}

/// Where the broker is: asked for before each attempt to connect. An [`AmqpUrl`] is one that never moves.
#[derive(Clone)]
pub struct BrokerLocator(Arc<dyn Fn() -> Result<AmqpUrl, String> + Send + Sync>);

impl BrokerLocator {
    /// A broker that moves, or the reason why it is not known where it is.
    pub fn moving(at: impl Fn() -> Result<AmqpUrl, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(at))
    }

    fn url(&self) -> Result<AmqpUrl, Error> {
        (self.0)().map_err(Error::Nowhere)
    }
}

impl From<AmqpUrl> for BrokerLocator {
    fn from(url: AmqpUrl) -> Self {
        Self::moving(move || Ok(url.clone()))
    }
}

impl fmt::Debug for BrokerLocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0)() {
            Ok(url) => write!(f, "{url}"),
            Err(reason) => f.write_str(&reason),
        }
    }
}

/// A queue, and what to do with what comes out of it.
pub struct Consumer {
    /// What to listen to.
    pub queue: Queue,
    /// What to do with each message.
    pub reaction: EventHandler,
}

/// Something to listen to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Queue {
    /// The events that the service subscribes to ([`events::subscriptions`]).
    Events,
    /// The service's timers that have passed a delay level ([`Config::delay_ladder`]).
    Due,
}

/// Whether there is a broker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// Not yet: the first attempt is under way.
    Connecting,
    /// Events come and go.
    Connected,
    /// Events wait in the outbox, and in the broker if there is one.
    Down {
        /// Since when.
        since: Timestamp,
        /// The latest failure, without secrets.
        reason: String,
    },
}

/// A service's connection to the broker. It lives until its shutdown token is cancelled, and connects again whenever the
/// connection is lost.
#[derive(Clone, Debug)]
pub struct Bus {
    state: watch::Receiver<State>,
    recovered: watch::Receiver<bool>,
    meters: Meters,
}

impl Bus {
    /// Connects, in a task of `tasks`, declares all queues of the namespace, publishes what is in the outbox of `db` and
    /// consumes; before all that it does what [`Config::recovery`] says.
    ///
    /// On `shutdown` the batch in hand is finished and the outbox published, for four seconds at most: close `db`
    /// after `tasks` have ended.
    pub fn start(config: Config, db: Db, clock: Clock, shutdown: CancellationToken, tasks: &TaskTracker) -> Self {
        let (here, meters) = (trace::Context::of(config.service), Meters::default());
        let supervisor = Supervisor::new(config, db, clock, shutdown, meters.clone());
        let bus = Self {
            state: supervisor.state.subscribe(),
            recovered: supervisor.recovered.subscribe(),
            meters,
        };
        tasks.spawn(here.scope(supervisor.run()));
        bus
    }

    /// Whether there is a broker, now and at each change.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Tells `metrics` what is published, what is consumed and what became of it.
    pub fn register(&self, metrics: &MetricsRegistry) {
        self.meters.register(metrics);
    }

    /// Reads whether there is a broker.
    pub fn collect_metrics(&self, samples: &mut Samples) {
        let connected = *self.state.borrow() == State::Connected;
        samples.gauge(
            "ticketing_broker_connected",
            "Whether there is a broker",
            &[],
            connected.into(),
        );
        samples.gauge(
            "ticketing_catching_up",
            "Whether the database was restored and has not caught up with the journal yet",
            &[],
            (!*self.recovered.borrow()).into(),
        );
    }
}

/// Keeps a connection up.
struct Supervisor {
    broker: BrokerLocator,
    /// What an operator sees in the broker.
    name: String,
    namespace: Namespace,
    service: &'static str,
    topology: Topology,
    recovery: Option<Recovery>,
    recovered: watch::Sender<bool>,
    relay: Relay,
    subscribers: Vec<Subscriber>,
    db: Db,
    meters: Meters,
    clock: Clock,
    shutdown: CancellationToken,
    state: watch::Sender<State>,
}

impl Supervisor {
    fn new(config: Config, db: Db, clock: Clock, shutdown: CancellationToken, meters: Meters) -> Self {
        let Config {
            broker,
            namespace,
            service,
            delay_ladder,
            retries,
            consumers,
            recovery,
        } = config;
        let subscriber = |Consumer { queue, reaction }| Subscriber {
            db: db.clone(),
            clock: clock.clone(),
            namespace: namespace.clone(),
            service,
            kind: queue,
            queue: match queue {
                Queue::Events => namespace.service(service),
                Queue::Due => namespace.due(service),
            },
            reaction,
            retries,
            meters: meters.clone(),
        };
        let subscribers: Vec<_> = consumers.into_iter().map(subscriber).collect();
        let topology = Topology::new(&namespace, &retries);
        let topology = match &delay_ladder {
            Some(delay_ladder) => topology.with_timers(&namespace, service, delay_ladder),
            None => topology,
        };
        meters.says(service);
        meters.listens(subscribers.iter().map(|subscriber| subscriber.kind));
        Self {
            broker,
            name: namespace.service(service),
            topology,
            recovered: recovery
                .as_ref()
                .map_or_else(|| watch::Sender::new(true), |recovery| recovery.done.clone()),
            recovery,
            relay: Relay::new(db.clone(), clock.clone(), namespace.clone(), meters.clone()),
            db,
            namespace,
            service,
            subscribers,
            meters,
            clock,
            shutdown,
            state: watch::Sender::new(State::Connecting),
        }
    }

    async fn run(mut self) {
        let shutdown = self.shutdown.clone();
        let mut backoff = retry_backoff();
        loop {
            let began = Instant::now();
            // Boxed, because a session is large and most of its life it waits.
            let Err(error) = Box::pin(self.session()).await else {
                return;
            };
            self.went_down(&error);
            if began.elapsed() > STABLE {
                backoff.reset();
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(backoff.next_delay()) => {}
            }
        }
    }

    /// One connection, from its beginning to its end: `Ok` on shutdown.
    async fn session(&mut self) -> Result<(), Error> {
        let shutdown = self.shutdown.clone();
        let connection = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            connection = self.connect() => connection?,
        };
        let lost = loss(&connection);
        let Self {
            namespace,
            service,
            recovery,
            recovered,
            relay,
            subscribers,
            db,
            meters,
            clock,
            ..
        } = self;
        let work = async {
            if let Some(plan) = recovery.as_ref() {
                let catching = Catching {
                    plan,
                    connection: &connection,
                    namespace,
                    service,
                    subscribers,
                    db,
                    clock,
                };
                tokio::select! {
                    () = shutdown.cancelled() => return Ok(()),
                    caught = catching.up() => caught?,
                }
                *recovery = None;
                recovered.send_replace(true);
            }
            serve(&connection, relay, subscribers, &shutdown).await
        };
        let last_moment = async {
            shutdown.cancelled().await;
            tokio::time::sleep(LAST_MOMENT).await;
        };
        let end = tokio::select! {
            end = work => end,
            error = lost => Err(error),
            () = watch_depths(&connection, namespace, service, subscribers, meters) => Ok(()),
            () = last_moment => Ok(()),
        };
        meters.forget_depths();
        close(&connection).await;
        // On the way out there is nobody left to tell about a loss.
        if shutdown.is_cancelled() { Ok(()) } else { end }
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let url = self.broker.url()?;
        let connection = connect(&url, &self.name).await?;
        patiently(self.topology.declare(&connection)).await?;
        tracing::info!(broker = %url, "connected to the broker");
        self.meters.connected();
        self.state.send_replace(State::Connected);
        Ok(connection)
    }

    /// Notes and tells that there is no broker, once for each reason.
    fn went_down(&self, error: &Error) {
        let reason = error.to_string();
        let (since, news) = match &*self.state.borrow() {
            State::Down { since, reason: before } => (*since, *before != reason),
            State::Connecting | State::Connected => (self.clock.now(), true),
        };
        if news {
            tracing::warn!(reason, "no broker: events wait in the outbox");
        }
        self.state.send_replace(State::Down { since, reason });
    }
}

/// Consumes and publishes until `shutdown`; then finishes what is in hand and publishes what that has led to.
async fn serve(
    connection: &Connection,
    relay: &mut Relay,
    subscribers: &[Subscriber],
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    let channel = confirming_channel(connection).await?;
    let drain = CancellationToken::new();
    let consuming = async {
        try_join_all(
            subscribers
                .iter()
                .map(|subscriber| subscriber.run(connection, shutdown)),
        )
        .await?;
        shutdown.cancelled().await;
        drain.cancel();
        Ok(())
    };
    tokio::try_join!(consuming, relay.run(&channel, &drain))?;
    Ok(())
}
