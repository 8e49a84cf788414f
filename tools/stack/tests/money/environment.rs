use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use auth::Auth;
use chassis::{CommonSettings, Running, Service as _};
use db::Db;
use drill::recording::RecordLine;
use expiration::Expiration;
use notification::Notification;
use order::Orders;
use payment::Payments;
use serde_json::{Value, json};
use stripe_sim::{Config, Sim, Webhook};
use testkit::{Client, Method, TcpProxy, TestEnv};
use ticket::Ticket;
use tokio::time::interval;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use values::{Clock, UserId};

use crate::script::{ORDERS, Service};

pub(crate) const STRIPE_KEY: &str = "sk_test_money";
pub(crate) const PUBLISHABLE_KEY: &str = "pk_test_money";
const WEBHOOK_SECRET: &str = "whsec_money";

/// The timeout of requests to Stripe.
const STRIPE_TIMEOUT: Duration = Duration::from_secs(1);

/// The delay before Stripe repeats a webhook delivery.
const WEBHOOK_BACKOFF: Duration = Duration::from_millis(200);

/// After this time Stripe has deleted every idempotency key.
const IDEMPOTENCY_KEY_LIFETIME: Duration = Duration::from_hours(25);

/// The speed of the clock, relative to the machine's.
const CLOCK_SPEED: u32 = 10;
const CLOCK_TICK: Duration = Duration::from_millis(10);

/// Held by each environment, so that there is one at a time: all have the same clock, and a script advances it by a day.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Returns the one clock of all environments: ids never go back in a process.
fn clock() -> Clock {
    static CLOCK: std::sync::LazyLock<Clock> = std::sync::LazyLock::new(|| Clock::manual(Clock::system().now()));
    CLOCK.clone()
}

/// The parts of a marketplace that outlive its services: databases, broker, Stripe, proxies, users.
pub(crate) struct Environment {
    pub(crate) test_env: TestEnv,
    pub(crate) stripe: Sim,
    pub(crate) stripe_url: String,
    pub(crate) broker: TcpProxy,
    /// The addresses of the services. They stay the same when a service is started again.
    pub(crate) proxies: BTreeMap<Service, TcpProxy>,
    pub(crate) seller: UserId,
    /// One buyer for each order.
    pub(crate) buyers: Vec<UserId>,
    /// The responses that users received.
    pub(crate) record: Mutex<Vec<RecordLine>>,
    /// The responses with a status from 500, but for 503. None is allowed.
    pub(crate) server_errors: Mutex<Vec<String>>,
    pub(crate) http: reqwest::Client,
    next_key: AtomicU64,
    _stripe_server: stripe_sim::RunningSim,
    _clock_task: AbortOnDropHandle<()>,
    _lock: tokio::sync::MutexGuard<'static, ()>,
}

impl Environment {
    /// Waits until no other environment exists.
    pub(crate) async fn start() -> Self {
        let lock = ONE_AT_A_TIME.lock().await;
        let test_env = TestEnv::with_clock(clock()).await;
        let mut proxies = BTreeMap::new();
        for service in Service::ALL {
            proxies.insert(service, TcpProxy::disconnected().await);
        }
        let stripe = Sim::in_memory(Config {
            clock: test_env.clock.clone(),
            webhooks: vec![Webhook {
                url: format!("http://{}/api/v1/payments/webhook", proxies[&Service::Payments].address),
                secret: WEBHOOK_SECRET.to_owned(),
                events: vec!["*".to_owned()],
            }],
            webhook_backoff: WEBHOOK_BACKOFF,
            scheduled_delay: None,
            ..Config::new(STRIPE_KEY)
        })
        .unwrap();
        let stripe_server = stripe.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let users = sign_up_users(&test_env).await;
        // The checks of the drill read it. The service does not run.
        let notification = Db::open(&test_env.database::<Notification>(), &Notification::SCHEMA).unwrap();
        notification.close().await;
        Self {
            stripe,
            stripe_url: stripe_server.url.clone(),
            broker: TcpProxy::to_broker().await,
            proxies,
            seller: users[0],
            buyers: users[1..].to_vec(),
            record: Mutex::default(),
            server_errors: Mutex::default(),
            http: reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap(),
            next_key: AtomicU64::new(0),
            _stripe_server: stripe_server,
            _clock_task: run_clock(test_env.clock.clone()),
            _lock: lock,
            test_env,
        }
    }

    pub(crate) async fn start_service(&self, service: Service) -> Running {
        match service {
            Service::Tickets => self.start_with::<Ticket>(ticket::Settings::default()).await,
            Service::Orders => self.start_with::<Orders>(order::Settings::default()).await,
            Service::Expirations => {
                let settings = expiration::Settings {
                    sweep: expiration::SweepSettings {
                        interval: Duration::from_secs(1),
                    },
                    ..expiration::Settings::default()
                };
                self.start_with::<Expiration>(settings).await
            }
            Service::Payments => {
                let settings = payment::Settings {
                    stripe_url: self.stripe_url.parse().unwrap(),
                    stripe_secret_key: Some(STRIPE_KEY.parse().unwrap()),
                    stripe_publishable_key: Some(PUBLISHABLE_KEY.to_owned()),
                    stripe_webhook_secrets: Some(WEBHOOK_SECRET.parse().unwrap()),
                    stripe_timeout: STRIPE_TIMEOUT,
                    platform_fee: "250".parse().unwrap(),
                    card_limits: payment::CardLimits::UNLIMITED,
                };
                self.start_with::<Payments>(settings).await
            }
        }
    }

    async fn start_with<S: chassis::Service>(&self, settings: S::Settings) -> Running {
        let mut common: CommonSettings = self.test_env.common();
        common.bus.url = self.broker.broker_url().parse().unwrap();
        chassis::start::<S>(
            self.test_env.database::<S>(),
            common,
            settings,
            self.test_env.clock.clone(),
        )
        .await
        .unwrap()
    }

    pub(crate) fn url(&self, service: Service) -> String {
        format!("http://{}", self.proxies[&service].address)
    }

    /// Advances the clock until Stripe has deleted all idempotency keys. Delayed requests end first: no request to Stripe takes
    /// that long.
    pub(crate) async fn expire_idempotency_keys(&self) {
        self.stripe.wait_for_delayed_requests().await;
        self.test_env.clock.advance(IDEMPOTENCY_KEY_LIFETIME);
    }

    /// Returns a new idempotency key.
    pub(crate) fn new_key(&self) -> String {
        format!("key-{}", self.next_key.fetch_add(1, Ordering::Relaxed))
    }

    /// Sends a request to Stripe with the secret key. Returns the body of a successful response.
    pub(crate) async fn request_stripe(&self, method: Method, path: &str, form: String) -> Option<Value> {
        let request = self.http.request(method, format!("{}{path}", self.stripe_url));
        let request = request
            .bearer_auth(STRIPE_KEY)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("idempotency-key", self.new_key())
            .body(form);
        let response = request.send().await.ok()?.error_for_status().ok()?;
        response.json().await.ok()
    }

    /// Returns all objects of a kind at Stripe, newest first.
    pub(crate) async fn stripe_objects(&self, kind: &str) -> Vec<Value> {
        let stripe = Client::new(&self.stripe_url).bearer(STRIPE_KEY);
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page = stripe.get(&format!("/v1/{kind}?limit=100{after}")).await.expect(200);
            let page = page.json();
            all.extend(page["data"].as_array().unwrap().iter().cloned());
            if page["has_more"] != true {
                return all;
            }
            after = format!("&starting_after={}", all.last().unwrap()["id"].as_str().unwrap());
        }
    }

    /// Returns the payment intents of an order at Stripe.
    pub(crate) async fn payment_intents(&self, order: &str) -> Vec<Value> {
        let all = self.stripe.payment_intents().await.unwrap();
        all.into_iter()
            .filter(|intent| intent["metadata"]["order_id"] == order)
            .collect()
    }
}

/// Advances a manual clock for as long as the handle lives.
fn run_clock(clock: Clock) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(TaskTracker::new().spawn(async move {
        let mut ticks = interval(CLOCK_TICK);
        loop {
            ticks.tick().await;
            clock.advance(CLOCK_TICK * CLOCK_SPEED);
        }
    }))
}

/// Signs up a seller and one buyer for each order. The auth service is not needed afterwards.
async fn sign_up_users(env: &TestEnv) -> Vec<UserId> {
    let settings = auth::Settings {
        sign_up_reveals_addresses: true,
        ..auth::Settings::default()
    };
    let auth = env.start::<Auth>(settings).await;
    let mut users = Vec::new();
    for number in 0..=ORDERS {
        let credentials = json!({"email": format!("{number}@example.com"), "password": "correct horse battery staple"});
        let session = auth.client().post("/api/v1/auth/signup", credentials).await.expect(201);
        users.push(session.text_at("/user/id").parse().unwrap());
    }
    auth.stop().await;
    users
}
