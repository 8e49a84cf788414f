use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use audit::Refusals;
use bus::{Bus, DelayLadder};
use db::Db;
use metrics::MetricsRegistry;
use poem::endpoint::BoxEndpoint;
use tls::ClientTls;
use token::{DenyList, TrustedOrigins, Verifier};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;
use values::{Clock, Timestamp};

use crate::{
    CommonSettings, Context, Job, OperatorError, Service,
    audit_log::audit_job,
    http::{self, BoundListener, MetricsEndpoint, Readiness, Server, ServerLimits, ServerShutdown, Trust},
    jobs::Ticker,
    peers::{JwksUrl, Peers},
    recovery::{self, RecoveryPlan, RecoveryStatus},
    revocations::consume_revocations,
};

/// How long the tasks of a service may take to end before it stops without them.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// A running service.
pub struct Running {
    /// The address that it listens on.
    pub addr: SocketAddr,
    /// Its endpoint, for a front door in the same process.
    pub endpoint: Arc<BoxEndpoint<'static>>,
    /// The state of the connection to the broker.
    pub broker: watch::Receiver<bus::ConnectionState>,
    /// Whether the database may be used: false while a restored one catches up.
    pub recovered: watch::Receiver<bool>,
    /// The delay levels of the timers; a level is part of its queue's name.
    pub delay_levels: Vec<Duration>,
    name: &'static str,
    drain_delay: Duration,
    draining: CancellationToken,
    shutdown: CancellationToken,
    tasks: TaskTracker,
    bus_shutdown: CancellationToken,
    bus_tasks: TaskTracker,
    db: Db,
    clock: Clock,
    refusals: Refusals,
    tickers: Vec<Ticker>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.name, self.addr)
    }
}

/// Starts a service: binds its port, opens its database, joins the bus, serves.
pub async fn start<S: Service>(
    database: PathBuf,
    common: CommonSettings,
    own: S::Settings,
    clock: Clock,
) -> Result<Running, OperatorError> {
    // For the ids of its requests, in a process that writes no log.
    telemetry::install_default();
    start_traced::<S>(database, common, own, clock)
        .instrument(telemetry::service_span(S::NAME))
        .await
}

async fn start_traced<S: Service>(
    database: PathBuf,
    common: CommonSettings,
    own: S::Settings,
    clock: Clock,
) -> Result<Running, OperatorError> {
    let listener = BoundListener::bind(common.http.listen_address(S::PORT)).await?;
    let addr = listener.addr;
    let jwks_cache = database.with_extension("jwks.json");
    let db = tokio::task::spawn_blocking(move || open::<S>(&database))
        .await
        .map_err(OperatorError::new)??;
    let done = watch::Sender::new(false);
    let recovered = done.subscribe();
    let recovery = recovery::plan::<S>(&db, done).await?;
    let (draining, shutdown, tasks) = (CancellationToken::new(), CancellationToken::new(), TaskTracker::new());
    let (bus_shutdown, bus_tasks) = (CancellationToken::new(), TaskTracker::new());
    let (metrics, refusals) = (MetricsRegistry::new(S::NAME), Refusals::default());
    let denied = load_denied_tokens(&db, clock.now()).await?;
    let context = Context {
        db: db.clone(),
        clock: clock.clone(),
        metrics: metrics.clone(),
        token_issuer: common.token_issuer.clone(),
        token_audience: common.token_audience.clone(),
        denied_tokens: denied.clone(),
        refusals: refusals.clone(),
        recovered: RecoveryStatus(recovered.clone()),
        shutdown: shutdown.clone(),
        tasks: tasks.clone(),
    };
    let delay_ladder = S::delay_ladder(&own);
    let delay_levels = delay_ladder.iter().flat_map(DelayLadder::levels).collect();
    let audit_job = audit_job(&db, &clock, &refusals, common.audit_retention());
    let parts = S::start(context, own).await?;
    // Followed until the bus has stopped: it may have to reconnect.
    let peers = Peers::follow(&common, &bus_shutdown, &bus_tasks)?;
    if let Some(recovery) = &recovery {
        let status = RecoveryStatus(recovered.clone());
        tasks.spawn(republish::<S>(&db, &clock, recovery, status, shutdown.clone()).in_current_span());
    }
    let bus = Bus::start(
        bus::Config {
            delay_ladder,
            consumers: consume_revocations(parts.consumers, &denied),
            recovery: recovery.and_then(|recovery| recovery.journal),
            ..common.bus.config(S::NAME, peers.broker)
        },
        db.clone(),
        clock.clone(),
        bus_shutdown.clone(),
        &bus_tasks,
    );
    let names = (common.token_issuer, common.token_audience);
    let remote = || remote_verifier((peers.jwks, peers.jwks_tls), jwks_cache, names, &clock);
    let verifier = parts.verifier.unwrap_or_else(remote).with_deny_list(denied);
    let trust = Trust {
        origins: TrustedOrigins(common.allowed_origins),
        proxies: common.http.trusted_proxies.clone(),
    };
    let readiness = Readiness::new(db.clone(), bus.state(), recovered.clone(), draining.clone());
    let (registry, counted) = (metrics.clone(), refusals.clone());
    let metrics = MetricsEndpoint::new::<S>(metrics, db.clone(), bus.clone(), clock.clone());
    let endpoint = http::endpoint::<S>(
        parts.app,
        verifier,
        trust,
        readiness,
        recovered.clone(),
        metrics,
        counted,
    );
    let endpoint = Arc::new(endpoint);
    let server_shutdown = ServerShutdown {
        draining: draining.clone(),
        stopping: shutdown.clone(),
    };
    Server::new(Arc::clone(&endpoint))
        .limits(ServerLimits::of_each(common.http.servers, common.http.max_connections))
        .trusted_proxies(common.http.trusted_proxies)
        .metrics(&registry)
        .serve(listener, server_shutdown, &tasks);
    let start_job = |job: Job| job.start(RecoveryStatus(recovered.clone()), shutdown.clone(), &tasks);
    let tickers = parts.jobs.into_iter().chain([audit_job]).map(start_job);
    let tickers = tickers.collect::<Result<_, _>>()?;
    tracing::info!(service = S::NAME, %addr, "serving");
    Ok(Running {
        addr,
        endpoint,
        broker: bus.state(),
        recovered,
        delay_levels,
        name: S::NAME,
        drain_delay: common.http.drain_delay,
        draining,
        shutdown,
        tasks,
        bus_shutdown,
        bus_tasks,
        db,
        clock,
        refusals,
        tickers,
    })
}

/// Ends tasks by their signal, and waits for them, up to a timeout.
pub(crate) async fn end_tasks(name: &str, signal: &CancellationToken, tasks: &TaskTracker) {
    signal.cancel();
    tasks.close();
    if tokio::time::timeout(STOP_TIMEOUT, tasks.wait()).await.is_err() {
        tracing::warn!(service = name, "stopping without waiting for all tasks");
    }
}

/// Publishes what has changed since the backup, once the database has recovered.
fn republish<S: Service>(
    db: &Db,
    clock: &Clock,
    recovery: &RecoveryPlan,
    status: RecoveryStatus,
    shutdown: CancellationToken,
) -> impl Future<Output = Option<()>> + use<S> {
    let republish = recovery::republish_changes::<S>(db.clone(), clock.clone(), recovery.republish_since, status);
    async move { shutdown.run_until_cancelled(republish).await }
}

/// Returns a verifier with the keys that auth publishes, for tokens of this issuer and audience.
fn remote_verifier(
    (jwks, tls): (JwksUrl, Option<ClientTls>),
    jwks_cache: PathBuf,
    (issuer, audience): (String, String),
    clock: &Clock,
) -> Verifier {
    Verifier::with_remote_keys(jwks, jwks_cache, tls.as_ref(), issuer, audience, clock.clone())
}

async fn load_denied_tokens(db: &Db, now: Timestamp) -> Result<DenyList, OperatorError> {
    Ok(db.read_internal(move |conn| revocation::load(conn, now)).await?)
}

/// Opens the database: the existing one, else the copy beside it that is to be restored, else a new one.
fn open<S: Service>(database: &Path) -> Result<Db, OperatorError> {
    if db::restored::install_restored_file(database, &S::SCHEMA).map_err(OperatorError::new)? {
        tracing::info!(service = S::NAME, database = %database.display(), "restored from the copy beside it");
    }
    Db::open(database, &S::SCHEMA).map_err(OperatorError::new)
}

impl Running {
    /// Stops in order: readiness fails, no new requests after a delay, running work ends, the outbox is published, the
    /// database closes.
    pub async fn stop(self) {
        self.draining.cancel();
        if !self.drain_delay.is_zero() {
            tracing::info!(service = self.name, delay = ?self.drain_delay, "stopping, requests are served meanwhile");
            tokio::time::sleep(self.drain_delay).await;
        }
        drop(self.tickers);
        end_tasks(self.name, &self.shutdown, &self.tasks).await;
        end_tasks(self.name, &self.bus_shutdown, &self.bus_tasks).await;
        drop(self.endpoint);
        audit::write_counted(&self.db, &self.refusals, self.clock.now()).await;
        self.db.close().await;
        tracing::info!(service = self.name, "stopped");
    }
}
