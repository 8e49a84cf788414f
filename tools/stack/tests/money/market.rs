//! A marketplace of which every process can die by itself: services with a runtime each, the Stripe simulator, wires between them.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use auth::Auth;
use chassis::{CommonSettings, Running};
use drill::recording::RecordLine;
use expiration::Expiration;
use order::Orders;
use payment::Payments;
use serde_json::{Value, json};
use stripe_sim::{Config, Sim, Webhook};
use testkit::{Client, Method, TcpProxy, TestEnv};
use ticket::Ticket;
use tokio::{runtime::Runtime, time::interval};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use values::{Clock, UserId};

use crate::script::{LISTINGS, ORDERS, Service};

pub(crate) const KEY: &str = "sk_test_money";
pub(crate) const PUBLISHABLE_KEY: &str = "pk_test_money";
const WEBHOOK_SECRET: &str = "whsec_money";

/// How long Stripe is waited for.
const STRIPE_TIMEOUT: Duration = Duration::from_secs(1);

/// After which Stripe has forgotten every idempotency key.
pub(crate) const A_DAY: Duration = Duration::from_hours(25);

/// Time passes so much faster here.
const HASTE: u32 = 10;
const TICK: Duration = Duration::from_millis(10);

/// One clock for all: ids never go back in a process.
fn clock() -> Clock {
    static CLOCK: std::sync::LazyLock<Clock> = std::sync::LazyLock::new(|| Clock::manual(Clock::system().now()));
    CLOCK.clone()
}

/// What stays when a service dies: everybody else.
pub(crate) struct World {
    pub(crate) kit: TestEnv,
    pub(crate) sim: Sim,
    /// Stripe's address.
    pub(crate) stripe: String,
    pub(crate) broker: TcpProxy,
    doors: BTreeMap<Service, TcpProxy>,
    pub(crate) seller: UserId,
    pub(crate) buyers: Vec<UserId>,
    /// What was answered.
    pub(crate) record: Mutex<Vec<RecordLine>>,
    /// Answers that nobody may ever get.
    pub(crate) scandals: Mutex<Vec<String>>,
    pub(crate) http: reqwest::Client,
    keys: AtomicU64,
    _listening: stripe_sim::RunningSim,
    _time: AbortOnDropHandle<()>,
}

/// A process.
struct Process {
    runtime: Runtime,
    running: Running,
}

pub(crate) struct Market {
    pub(crate) world: std::sync::Arc<World>,
    processes: BTreeMap<Service, Process>,
}

const SERVICES: [Service; 4] = [Service::Tickets, Service::Orders, Service::Timers, Service::Payments];

impl Market {
    pub(crate) async fn open() -> Self {
        let kit = TestEnv::with_clock(clock()).await;
        let clock = kit.clock.clone();
        let time = AbortOnDropHandle::new(TaskTracker::new().spawn(async move {
            let mut ticks = interval(TICK);
            loop {
                ticks.tick().await;
                clock.advance(TICK * HASTE);
            }
        }));
        let mut doors = BTreeMap::new();
        for service in SERVICES {
            doors.insert(service, TcpProxy::disconnected().await);
        }
        let sim = Sim::in_memory(Config {
            clock: kit.clock.clone(),
            webhooks: vec![Webhook {
                url: format!("http://{}/api/v1/payments/webhook", doors[&Service::Payments].address),
                secret: WEBHOOK_SECRET.to_owned(),
                events: vec!["*".to_owned()],
            }],
            webhook_backoff: Duration::from_millis(200),
            scheduled_delay: None,
            ..Config::new(KEY)
        })
        .unwrap();
        let listening = sim.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let people = accounts(&kit).await;
        let world = World {
            sim,
            stripe: listening.url.clone(),
            broker: TcpProxy::to_broker().await,
            doors,
            seller: people[0],
            buyers: people[1..].to_vec(),
            record: Mutex::default(),
            scandals: Mutex::default(),
            http: reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap(),
            keys: AtomicU64::new(0),
            _listening: listening,
            _time: time,
            kit,
        };
        let mut market = Self {
            world: world.into(),
            processes: BTreeMap::new(),
        };
        for service in SERVICES {
            market.start(service).await;
        }
        for process in market.processes.values_mut() {
            let connected = process
                .running
                .broker
                .wait_for(|state| *state == bus::ConnectionState::Connected);
            drop(connected.await.unwrap());
        }
        market
    }

    /// Starts a process on what it left behind.
    async fn start(&mut self, service: Service) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let world = self.world.clone();
        let starting = runtime.spawn(async move { world.start(service).await });
        let running = starting.await.unwrap();
        self.world.doors[&service].forward_to(running.addr);
        self.processes.insert(service, Process { runtime, running });
    }

    /// A process dies: whatever it was about to do, it does not do. It is started again at once.
    pub(crate) async fn dies(&mut self, service: Service) {
        self.world.doors[&service].disconnect();
        let process = self.processes.remove(&service).unwrap();
        bury(process).await;
        self.start(service).await;
    }

    pub(crate) async fn close(mut self) {
        for (_, process) in std::mem::take(&mut self.processes) {
            bury(process).await;
        }
        self.world.sim.close().await;
    }
}

async fn bury(Process { runtime, running }: Process) {
    let buried = tokio::task::spawn_blocking(move || {
        runtime.shutdown_timeout(Duration::from_secs(10));
        drop(running);
    });
    buried.await.unwrap();
}

/// A seller, and a buyer for each order. Nobody needs the auth service after that.
async fn accounts(kit: &TestEnv) -> Vec<UserId> {
    let auth = kit.start::<Auth>(auth::Settings::default()).await;
    let mut people = Vec::new();
    for number in 0..=ORDERS {
        let credentials = json!({"email": format!("{number}@example.com"), "password": "correct horse battery staple"});
        let granted = auth.client().post("/api/v1/auth/signup", credentials).await.expect(201);
        people.push(granted.text_at("/user/id").parse().unwrap());
    }
    auth.stop().await;
    people
}

impl World {
    async fn start(&self, service: Service) -> Running {
        match service {
            Service::Tickets => self.started::<Ticket>(()).await,
            Service::Orders => self.started::<Orders>(order::Settings::default()).await,
            Service::Timers => {
                let settings = expiration::Settings {
                    sweep: expiration::SweepSettings {
                        interval: Duration::from_secs(1),
                    },
                    ..expiration::Settings::default()
                };
                self.started::<Expiration>(settings).await
            }
            Service::Payments => {
                let settings = payment::Settings {
                    stripe_url: self.stripe.parse().unwrap(),
                    stripe_secret_key: Some(KEY.parse().unwrap()),
                    stripe_publishable_key: Some(PUBLISHABLE_KEY.to_owned()),
                    stripe_webhook_secrets: Some(WEBHOOK_SECRET.parse().unwrap()),
                    stripe_timeout: STRIPE_TIMEOUT,
                    platform_fee: "250".parse().unwrap(),
                };
                self.started::<Payments>(settings).await
            }
        }
    }

    async fn started<S: chassis::Service>(&self, own: S::Settings) -> Running {
        let mut common: CommonSettings = self.kit.common();
        common.bus.url = self.broker.broker_url().parse().unwrap();
        chassis::start::<S>(self.kit.database::<S>(), common, own, self.kit.clock.clone())
            .await
            .unwrap()
    }

    pub(crate) fn url(&self, service: Service) -> String {
        format!("http://{}", self.doors[&service].address)
    }

    /// One that was never used.
    pub(crate) fn key(&self) -> String {
        format!("key-{}", self.keys.fetch_add(1, Ordering::Relaxed))
    }

    /// Somebody at Stripe, with the account's key. Whatever Stripe answers, also if it cannot.
    pub(crate) async fn at_stripe(&self, method: Method, path: &str, form: String) -> Option<Value> {
        let request = self.http.request(method, format!("{}{path}", self.stripe));
        let request = request
            .bearer_auth(KEY)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("idempotency-key", self.key())
            .body(form);
        let answered = request.send().await.ok()?.error_for_status().ok()?;
        answered.json().await.ok()
    }

    /// All that Stripe has of a kind, the newest first.
    pub(crate) async fn all_at_stripe(&self, kind: &str) -> Vec<Value> {
        let stripe = Client::new(&self.stripe).bearer(KEY);
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

    /// Stripe's intents of an order.
    pub(crate) async fn intents(&self, order: &str) -> Vec<Value> {
        let all = self.sim.payment_intents().await.unwrap();
        all.into_iter()
            .filter(|intent| intent["metadata"]["order_id"] == order)
            .collect()
    }

    /// Which listing an order is of.
    pub(crate) const fn listing_of(order: usize) -> usize {
        order % LISTINGS
    }
}
