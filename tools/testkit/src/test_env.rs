use std::{future::Future, net::SocketAddr, path::PathBuf, sync::Mutex, time::Duration};

use bus::Namespace;
use chassis::{BusSettings, CommonSettings, Running, SecretArg, Service};
use events::Event;
use poem::{Route, endpoint::make_sync, get, web::Json};
use tempfile::TempDir;
use token::{Claims, Jwks, SigningKey};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::{Clock, EventId, SessionId, Timestamp, UserId};

use crate::{
    Client,
    broker::{Others, amqp_url},
};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The world around one service: a folder, names in the broker, keys that sign access tokens, a clock.
///
/// Everything in it is this test's own and is deleted with it.
pub struct TestEnv {
    /// The clock of every service that is started here. It is the machine's clock unless made by [`TestEnv::with_clock`].
    pub clock: Clock,
    /// The delay levels of the services that were started here: their queues are deleted at the end.
    delay_levels: Mutex<Vec<Duration>>,
    folder: TempDir,
    namespace: Namespace,
    key: SigningKey,
    jwks: SocketAddr,
    others: Others,
    shutdown: CancellationToken,
}

/// A service that runs in a test.
#[derive(Debug)]
pub struct RunningService {
    running: Running,
}

impl RunningService {
    /// Nobody yet, who speaks to this service.
    pub fn client(&self) -> Client {
        Client::new(format!("http://{}", self.running.addr))
    }

    /// Stops it as SIGTERM would.
    pub async fn stop(self) {
        self.running.stop().await;
    }
}

impl TestEnv {
    /// A world of its own, on the machine's clock.
    pub async fn new() -> Self {
        Self::with_clock(Clock::system()).await
    }

    /// A world of its own, on this clock.
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
        chassis::serve(served, route, shutdown.clone(), &TaskTracker::new()).unwrap();
        let others = Others::join(namespace.clone()).await;
        let folder = tempfile::tempdir().unwrap();
        Self {
            clock,
            delay_levels: Mutex::default(),
            folder,
            namespace,
            key,
            jwks,
            others,
            shutdown,
        }
    }

    /// The moment it is.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Starts a service, on a free port. Started again, it goes on with the same database.
    pub async fn start<S: Service>(&self, own: S::Settings) -> RunningService {
        let mut running = chassis::start::<S>(self.database::<S>(), self.common(), own, self.clock.clone())
            .await
            .unwrap();
        self.delay_levels.lock().unwrap().extend(&running.delay_levels);
        let connected = running
            .broker
            .wait_for(|state| *state == bus::ConnectionState::Connected);
        drop(
            tokio::time::timeout(PATIENCE, connected)
                .await
                .expect("the service does not reach the broker")
                .unwrap(),
        );
        let recovered = running.recovered.wait_for(|recovered| *recovered);
        drop(
            tokio::time::timeout(PATIENCE, recovered)
                .await
                .expect("the service does not catch up")
                .unwrap(),
        );
        RunningService { running }
    }

    /// The settings that every service here is started with.
    pub fn common(&self) -> CommonSettings {
        CommonSettings {
            listen: Some(([127, 0, 0, 1], 0).into()),
            bus: BusSettings {
                url: SecretArg::new(amqp_url()),
                namespace: self.namespace.clone(),
                ..BusSettings::default()
            },
            jwks_url: Some(format!("http://{}/jwks.json", self.jwks).parse().unwrap()),
            ..CommonSettings::default()
        }
    }

    /// Where a service's database is.
    pub fn database<S: Service>(&self) -> PathBuf {
        self.folder.path().join(format!("{}.db", S::NAME))
    }

    /// An access token of somebody.
    pub fn token(&self, user: UserId) -> String {
        let (session, now) = (SessionId::new(self.now()), self.now());
        let claims = Claims::new(
            token::DEFAULT_ISSUER,
            token::DEFAULT_AUDIENCE,
            user,
            session,
            session.to_string(),
            now,
        );
        self.key.sign(&claims).unwrap()
    }

    /// Somebody new, who speaks to a service.
    pub fn user(&self, at: &RunningService) -> (UserId, Client) {
        let user = UserId::new(self.now());
        (user, at.client().bearer(&self.token(user)))
    }

    /// Says what another service would say, and waits for the broker to have it.
    pub async fn publish(&self, service: &str, event: Event) {
        self.others.publish(service, self.now(), event).await;
    }

    /// Everything that was said so far, by anybody, in the order in which it came.
    pub fn published_events(&self) -> Vec<Event> {
        self.others.heard()
    }

    /// Waits until something was said; also what was said before counts.
    pub async fn wait_for_event(&self, what: impl Fn(&Event) -> bool) -> Event {
        let mut more = self.others.more();
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(found) = self.others.heard().into_iter().find(|event| what(event)) {
                    return found;
                }
                more.changed().await.unwrap();
            }
        });
        found
            .await
            .unwrap_or_else(|_| panic!("not heard; only {:#?}", self.others.heard()))
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        self.shutdown.cancel();
        let (namespace, delays) = (self.namespace.clone(), self.delay_levels.lock().unwrap().clone());
        let tidy = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(bus::admin::delete_namespace(&amqp_url(), &namespace, &delays))
        });
        if let Ok(Err(error)) = tidy.join() {
            eprintln!("the names of this test stay in the broker: {error}");
        }
    }
}

/// Asks again and again until there is an answer, and fails the test if there never is.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            ticks.tick().await;
            if let Some(found) = ask().await {
                return found;
            }
        }
    });
    found.await.unwrap_or_else(|_| panic!("this never came true: {what}"))
}
