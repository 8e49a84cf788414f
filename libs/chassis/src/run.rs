use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bus::{Bus, DelayLadder};
use db::Db;
use metrics::MetricsRegistry;
use poem::endpoint::BoxEndpoint;
use token::TrustedOrigins;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::Clock;

use crate::{
    CommonSettings, Context, OperatorError, Service,
    http::{self, BoundListener},
    jobs::Bell,
    peers::Peers,
    readiness::Readiness,
    recovering::{self, RecoveryStatus},
    scrape::Scrape,
};

/// How long the parts of a service may take to end, before it stops without them.
const PATIENCE: Duration = Duration::from_secs(15);

/// A service that runs.
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    /// What it answers, for a front door in the same process.
    pub endpoint: Arc<BoxEndpoint<'static>>,
    /// Whether there is a broker, now and at each change.
    pub broker: watch::Receiver<bus::ConnectionState>,
    /// Whether the database may be used: false while one that was put back from a backup catches up.
    pub recovered: watch::Receiver<bool>,
    /// The delay levels of the timers; a level is part of its queue's name.
    pub delay_levels: Vec<Duration>,
    name: &'static str,
    shutdown: CancellationToken,
    tasks: TaskTracker,
    bus_shutdown: CancellationToken,
    bus_tasks: TaskTracker,
    db: Db,
    bells: Vec<Bell>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.name, self.addr)
    }
}

/// Starts a service: takes its port, opens its database, joins the bus, serves.
pub async fn start<S: Service>(
    database: PathBuf,
    common: CommonSettings,
    own: S::Settings,
    clock: Clock,
) -> Result<Running, OperatorError> {
    trace::Context::of(S::NAME)
        .scope(start_traced::<S>(database, common, own, clock))
        .await
}

async fn start_traced<S: Service>(
    database: PathBuf,
    common: CommonSettings,
    own: S::Settings,
    clock: Clock,
) -> Result<Running, OperatorError> {
    let served = BoundListener::bind(common.listen_address::<S>()).await?;
    let addr = served.addr;
    let keys_of_auth = database.with_extension("jwks.json");
    let db = tokio::task::spawn_blocking(move || open::<S>(&database))
        .await
        .map_err(OperatorError::new)??;
    let recovering = watch::Sender::new(false);
    let recovered = recovering.subscribe();
    let recovery = recovering::plan::<S>(&db, recovering).await?;
    let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
    let (bus_shutdown, bus_tasks) = (CancellationToken::new(), TaskTracker::new());
    let metrics = MetricsRegistry::new(S::NAME);
    let context = Context {
        db: db.clone(),
        clock: clock.clone(),
        metrics: metrics.clone(),
        token_issuer: common.token_issuer.clone(),
        token_audience: common.token_audience.clone(),
        recovered: RecoveryStatus(recovered.clone()),
        shutdown: shutdown.clone(),
        tasks: tasks.clone(),
    };
    let delay_ladder = S::delay_ladder(&own);
    let delay_levels = delay_ladder.iter().flat_map(DelayLadder::levels).collect();
    let parts = S::start(context, own).await?;
    // For as long as the bus may have to connect.
    let peers = Peers::follow(&common, &bus_shutdown, &bus_tasks)?;
    let bus = Bus::start(
        bus::Config {
            broker: peers.broker,
            namespace: common.bus.namespace,
            service: S::NAME,
            delay_ladder,
            retry_delays: bus::RETRY_DELAYS,
            consumers: parts.consumers,
            recovery,
        },
        db.clone(),
        clock.clone(),
        bus_shutdown.clone(),
        &bus_tasks,
    );
    let verifier = match parts.verifier {
        Some(own) => own,
        None => token::Verifier::with_remote_keys(
            peers.jwks,
            keys_of_auth,
            common.token_issuer,
            common.token_audience,
            clock.clone(),
        )
        .map_err(OperatorError::new)?,
    };
    let trusted = TrustedOrigins(common.allowed_origins);
    let readiness = Readiness::new(db.clone(), bus.state(), recovered.clone());
    let scrape = Scrape::new::<S>(metrics, db.clone(), bus.clone(), clock);
    let endpoint = http::endpoint::<S>(parts.app, verifier, trusted, readiness, recovered.clone(), scrape);
    let endpoint = Arc::new(endpoint);
    http::serve(served, Arc::clone(&endpoint), shutdown.clone(), &tasks)?;
    let bells = parts
        .jobs
        .into_iter()
        .map(|job| job.start(RecoveryStatus(recovered.clone()), shutdown.clone(), &tasks))
        .collect::<Result<_, _>>()?;
    tracing::info!(service = S::NAME, %addr, "serving");
    Ok(Running {
        addr,
        endpoint,
        broker: bus.state(),
        recovered,
        delay_levels,
        name: S::NAME,
        shutdown,
        tasks,
        bus_shutdown,
        bus_tasks,
        db,
        bells,
    })
}

/// Opens the database: the one that is there, else the one that was laid beside it to be put back, else a new one.
fn open<S: Service>(database: &Path) -> Result<Db, OperatorError> {
    if db::restored::install_restored_file(database, &S::SCHEMA).map_err(OperatorError::new)? {
        tracing::info!(service = S::NAME, database = %database.display(), "put back from the copy beside it");
    }
    Db::open(database, &S::SCHEMA).map_err(OperatorError::new)
}

impl Running {
    /// Stops in order: no new requests, what is under way ends, the outbox is sent, the database closes.
    pub async fn stop(self) {
        drop(self.bells);
        for (signal, tasks) in [(self.shutdown, self.tasks), (self.bus_shutdown, self.bus_tasks)] {
            signal.cancel();
            tasks.close();
            if tokio::time::timeout(PATIENCE, tasks.wait()).await.is_err() {
                tracing::warn!(service = self.name, "stopping without waiting for all of its parts");
            }
        }
        drop(self.endpoint);
        self.db.close().await;
        tracing::info!(service = self.name, "stopped");
    }
}
