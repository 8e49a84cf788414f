use std::{future::Future, net::SocketAddr, path::PathBuf, sync::Mutex, time::Duration};

use bus::Namespace;
use chassis::{BusSettings, CommonSettings, HttpSettings, Running, SecretArg, Service, TrustedProxies};
use events::{Account, AccountStatus, ClosureObstacle, Event, examples};
use poem::{Route, endpoint::make_sync, get, web::Json};
use tempfile::TempDir;
use token::{Claims, Jwks, SigningKey};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::{Clock, EventId, SessionId, Timestamp, UserId};

use crate::{
    Client,
    broker::{EventChannel, amqp_url},
    plans,
};

/// The timeout of every wait: for the broker, an event, a condition.
pub(crate) const WAIT_TIMEOUT: Duration = Duration::from_mins(1);

/// The interval at which [`eventually`] evaluates its condition.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The surroundings of one service: a folder, a namespace in the broker, a key that signs access tokens, a clock.
///
/// Each environment belongs to one test, and is deleted when it is dropped.
pub struct TestEnv {
    /// The clock of every service that is started here: the machine's clock, unless given to [`TestEnv::with_clock`].
    pub clock: Clock,
    /// The proxies that services trust: none, unless a test sets them before it starts a service.
    pub trusted_proxies: TrustedProxies,
    /// The delay levels of the services that were started here: their queues are deleted at the end.
    delay_levels: Mutex<Vec<Duration>>,
    folder: TempDir,
    namespace: Namespace,
    key: SigningKey,
    jwks: SocketAddr,
    events: EventChannel,
    shutdown: CancellationToken,
    /// Verify the plans of the statements of each service that was started here, at the end.
    plan_checks: Mutex<Vec<PlanCheck>>,
}

/// Returns the statements of a service that read more than their result.
type PlanCheck = Box<dyn Fn() -> Vec<String> + Send>;

/// A service that runs in a test.
#[derive(Debug)]
pub struct RunningService {
    running: Running,
}

impl RunningService {
    /// Returns a client of the service, without an access token.
    pub fn client(&self) -> Client {
        Client::new(format!("http://{}", self.running.addr))
    }

    /// Returns the address that the service listens on, for raw connections.
    pub const fn address(&self) -> SocketAddr {
        self.running.addr
    }

    /// Stops the service, as SIGTERM does.
    pub async fn stop(self) {
        self.running.stop().await;
    }
}

impl TestEnv {
    /// Creates an environment with the machine's clock.
    pub async fn new() -> Self {
        Self::with_clock(Clock::system()).await
    }

    /// Creates an environment with this clock.
    pub async fn with_clock(clock: Clock) -> Self {
        let namespace: Namespace = format!("test-{}", EventId::new(Clock::system().now())).parse().unwrap();
        let key = SigningKey::from_seed(&[7; 32]).unwrap();
        let keys = Jwks {
            keys: vec![key.public().clone()],
        };
        let shutdown = CancellationToken::new();
        let served = chassis::BoundListener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let jwks = served.addr;
        let route = Route::new().at("/jwks.json", get(make_sync(move |_| Json(keys.clone()))));
        chassis::serve(served, route, shutdown.clone(), &TaskTracker::new());
        let events = EventChannel::open(namespace.clone()).await;
        let folder = tempfile::tempdir().unwrap();
        Self {
            clock,
            trusted_proxies: TrustedProxies::default(),
            delay_levels: Mutex::default(),
            folder,
            namespace,
            key,
            jwks,
            events,
            shutdown,
            plan_checks: Mutex::default(),
        }
    }

    /// Returns the time of the clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Starts a service on a free port, and waits until it has connected to the broker and recovered. A service that is
    /// started again has the same database.
    pub async fn start<S: Service>(&self, own: S::Settings) -> RunningService {
        db::record_statements();
        plans::republish::<S>(&self.clock).await;
        let database = self.database::<S>();
        let check = Box::new(move || plans::unbounded_reads::<S>(&database));
        self.plan_checks.lock().unwrap().push(check);
        let mut running = chassis::start::<S>(self.database::<S>(), self.common(), own, self.clock.clone())
            .await
            .unwrap();
        self.delay_levels.lock().unwrap().extend(&running.delay_levels);
        let connected = running
            .broker
            .wait_for(|state| *state == bus::ConnectionState::Connected);
        drop(
            tokio::time::timeout(WAIT_TIMEOUT, connected)
                .await
                .expect("the service has not connected to the broker")
                .unwrap(),
        );
        let recovered = running.recovered.wait_for(|recovered| *recovered);
        drop(
            tokio::time::timeout(WAIT_TIMEOUT, recovered)
                .await
                .expect("the service has not recovered")
                .unwrap(),
        );
        RunningService { running }
    }

    /// Returns the settings of a server on a free port.
    pub fn http(&self) -> HttpSettings {
        HttpSettings {
            listen: Some(([127, 0, 0, 1], 0).into()),
            trusted_proxies: self.trusted_proxies.clone(),
            drain_delay: Duration::ZERO,
            ..HttpSettings::default()
        }
    }

    /// Returns the settings that all services share.
    pub fn common(&self) -> CommonSettings {
        CommonSettings {
            http: self.http(),
            bus: BusSettings {
                url: SecretArg::new(amqp_url()),
                namespace: self.namespace.clone(),
                ..BusSettings::default()
            },
            jwks_url: Some(format!("http://{}/jwks.json", self.jwks).parse().unwrap()),
            ..CommonSettings::default()
        }
    }

    /// Returns the path of a service's database.
    pub fn database<S: Service>(&self) -> PathBuf {
        self.folder.path().join(format!("{}.db", S::NAME))
    }

    /// Returns the violations that `check` finds in a service's database.
    pub fn check_database<S: Service>(&self) -> Vec<String> {
        let findings = db::admin::check(&self.database::<S>(), &S::SCHEMA, S::INVARIANTS).unwrap();
        findings
            .iter()
            .map(|finding| format!("{}: {finding}", S::NAME))
            .collect()
    }

    /// Returns the audit log of a service. Refusals are in it once a minute, and after the service has stopped.
    pub fn audit_log<S: Service>(&self) -> Vec<audit::Record> {
        let conn = rusqlite::Connection::open(self.database::<S>()).unwrap();
        let mut records = Vec::new();
        audit::read(&conn, &audit::Filter::default(), |record| records.push(record)).unwrap();
        records
    }

    /// Returns an access token of a user.
    pub fn token(&self, user: UserId) -> String {
        self.token_with(user, |_| ())
    }

    /// Returns an access token of a user, with changed claims.
    pub fn token_with(&self, user: UserId, change: impl FnOnce(&mut Claims)) -> String {
        let (session, now) = (SessionId::new(self.now()), self.now());
        let mut claims = Claims::new(
            token::DEFAULT_ISSUER,
            token::DEFAULT_AUDIENCE,
            user,
            session,
            session.to_string(),
            now,
        );
        change(&mut claims);
        self.key.sign(&claims).unwrap()
    }

    /// Returns a new user, and a client of the service with an access token of that user.
    pub fn user(&self, service: &RunningService) -> (UserId, Client) {
        let user = UserId::new(self.now());
        (user, service.client().bearer(&self.token(user)))
    }

    /// Publishes an event in the name of another service, and waits for the confirm of the broker.
    pub async fn publish(&self, service: &str, event: Event) {
        self.events.publish(service, self.now(), event).await;
    }

    /// Publishes that the status of an account has changed.
    pub async fn publish_account_status(&self, user: UserId, version: u64, status: AccountStatus) {
        let account = Account {
            id: user,
            version,
            status,
            ..examples::account(self.now())
        };
        let event = match status {
            AccountStatus::Active => Event::AccountReopened,
            AccountStatus::Closing => Event::AccountClosing,
            AccountStatus::Deleted => Event::AccountDeleted,
        };
        self.publish("auth", event(account)).await;
    }

    /// Publishes that a user has requested the deletion of the account, and returns what prevents it, as the service under test
    /// decides.
    pub async fn request_deletion(&self, user: UserId, version: u64) -> Vec<ClosureObstacle> {
        self.publish_account_status(user, version, AccountStatus::Closing).await;
        let decision = |event: &Event| {
            let closure = event
                .as_ticket_closure()
                .or_else(|| event.as_order_closure())
                .or_else(|| event.as_payment_closure())?;
            (closure.account_id == user && closure.version == version).then(|| closure.obstacles.clone())
        };
        let event = self.wait_for_event(|event| decision(event).is_some()).await;
        decision(&event).unwrap()
    }

    /// Sends a message with this id and type to a queue, as another program might.
    pub async fn send_foreign(&self, queue: &str, id: &str, kind: &str, body: &[u8]) {
        self.events.send_foreign(queue, id, kind, body).await;
    }

    /// Returns the prefix of all names in the broker.
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Returns every event that any service has published, in the order of arrival.
    pub fn published_events(&self) -> Vec<Event> {
        self.events.received()
    }

    /// Waits for an event that matches; one that was published before counts as well.
    pub async fn wait_for_event(&self, matches: impl Fn(&Event) -> bool) -> Event {
        let mut count = self.events.received_count();
        let found = tokio::time::timeout(WAIT_TIMEOUT, async {
            loop {
                if let Some(found) = self.events.received().into_iter().find(|event| matches(event)) {
                    return found;
                }
                count.changed().await.unwrap();
            }
        });
        found
            .await
            .unwrap_or_else(|_| panic!("no event matches; received: {:#?}", self.events.received()))
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        self.shutdown.cancel();
        let (namespace, delays) = (self.namespace.clone(), self.delay_levels.lock().unwrap().clone());
        let cleanup = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(bus::admin::delete_namespace(&amqp_url(), &namespace, &delays))
        });
        if let Ok(Err(error)) = cleanup.join() {
            eprintln!("the broker still has the namespace of this test: {error}");
        }
        if !std::thread::panicking() {
            let unbounded: Vec<_> = self
                .plan_checks
                .lock()
                .unwrap()
                .iter()
                .flat_map(|check| check())
                .collect();
            assert!(
                unbounded.is_empty(),
                "statements that read or sort more than a bounded number of rows:\n{}",
                unbounded.join("\n")
            );
        }
    }
}

/// Evaluates a condition until it returns a value. Fails the test after a timeout; `what` names the condition.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, condition: impl Fn() -> F) -> T {
    let mut ticks = tokio::time::interval(POLL_INTERVAL);
    let found = tokio::time::timeout(WAIT_TIMEOUT, async {
        loop {
            ticks.tick().await;
            if let Some(found) = condition().await {
                return found;
            }
        }
    });
    found.await.unwrap_or_else(|_| panic!("timed out: {what}"))
}
