//! The six services as processes, the Stripe simulator, and the proxies between all of them.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    ops::Range,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use drill::{Endpoints, SERVICES};
use stripe_sim::{Config, RunningSim, Sim, Webhook};
use testkit::{Flow, TcpProxy};
use tokio::time::{Instant, interval, sleep, timeout_at};

use crate::{
    broker::{Broker, skipped_ports},
    disk::Disk,
    error::TortureError,
    fault::{Disturbance, Fault, Link},
    process::{Launch, Process, ProcessExit},
};

/// The secret key of the Stripe simulator, and the secret that signs its webhooks.
pub(crate) const STRIPE_KEY: &str = "sk_test_torture";
const WEBHOOK_SECRET: &str = "whsec_torture";

/// The keys of links in mails and of admission codes, which services share.
const MAIL_KEY: &str = "6d61696c6d61696c6d61696c6d61696c6d61696c6d61696c6d61696c6d61696c";
const ADMISSION_KEY: &str = "61646d697361646d697361646d697361646d697361646d697361646d69736b65";

/// Ports of the services.
const SERVICE_PORTS: Range<u16> = 13_000..15_000;

/// The order window of the services, which is a delay level of the timers. Listings have shorter ones.
const ORDER_WINDOW_SECONDS: &str = "15";

/// The delay queues of timers, after the namespace.
const DELAY_QUEUES: [&str; 5] = [
    ".delay.60000",
    ".delay.15000",
    ".delay.10000",
    ".delay.1000",
    ".delay.200",
];

/// The time that all services have to start.
const START_TIMEOUT: Duration = Duration::from_mins(2);

/// The interval at which the end of a service is looked for, and after which it is started again.
const SUPERVISION_INTERVAL: Duration = Duration::from_millis(200);

/// The time after a full disk for which the end of a service counts as its consequence.
const FULL_DISK_AFTERMATH: Duration = Duration::from_secs(3);

/// The last time for which the disk was full.
#[derive(Clone, Copy)]
struct FullDisk {
    since: Instant,
    /// `None` while it is full.
    until: Option<Instant>,
}

impl FullDisk {
    /// Whether it can be the cause: the service may have ended meanwhile or soon after, or it was started meanwhile.
    fn can_cause(self, exit: &ProcessExit) -> bool {
        self.until.is_none_or(|until| {
            exit.last_seen < until + FULL_DISK_AFTERMATH || (self.since..until).contains(&exit.started)
        })
    }
}

/// A service and the proxies before and behind it.
struct Service {
    process: Process,
    /// From clients.
    front: TcpProxy,
    address: SocketAddr,
    /// To the broker.
    broker: TcpProxy,
    /// A disturbance has the proxies.
    busy: tokio::sync::Mutex<()>,
}

/// Everything that a round runs, except the broker, which outlives it.
pub(crate) struct Marketplace<'a> {
    pub(crate) namespace: String,
    pub(crate) stripe_url: String,
    services: Vec<Service>,
    broker: &'a Broker,
    disk: Disk,
    mail_folder: PathBuf,
    full_disk: Mutex<Option<FullDisk>>,
    stripe_link: TcpProxy,
    stripe_link_is_busy: tokio::sync::Mutex<()>,
    stripe: Sim,
    stripe_server: RunningSim,
    /// Services that ended by themselves.
    unexpected_exits: Mutex<Vec<String>>,
}

impl<'a> Marketplace<'a> {
    /// Starts everything, with its files in `folder`, and waits until every service is ready. With `event_batches`, events
    /// share messages.
    pub(crate) async fn start(
        folder: &Path,
        namespace: String,
        broker: &'a Broker,
        event_batches: bool,
        bug: Option<&'static str>,
    ) -> Result<Self, TortureError> {
        let failed = |error| TortureError::file(folder, &error);
        fs::create_dir_all(folder).map_err(failed)?;
        let disk = Disk::mount(&folder.join("data")).map_err(failed)?;
        let mail_folder = folder.join("mail");
        let mut fronts = Vec::new();
        let mut addresses = free_addresses();
        for service in SERVICES {
            let address = addresses
                .next()
                .ok_or_else(|| TortureError::new("no port is free for a service"))?;
            let front = TcpProxy::disconnected().await;
            front.forward_to(address);
            fronts.push((service, front, address));
        }
        let url_of = |name| fronts.iter().find(|(service, ..)| *service == name);
        let url_of = |name| url_of(name).map_or_else(String::new, |(_, front, _)| format!("http://{}", front.address));
        let webhook = Webhook {
            url: format!("{}/api/v1/payments/webhook", url_of("payment")),
            secret: WEBHOOK_SECRET.to_owned(),
            events: vec!["*".to_owned()],
        };
        let config = Config {
            webhooks: vec![webhook],
            ..Config::new(STRIPE_KEY)
        };
        let books = folder.join("stripe.db");
        let stripe = tokio::task::block_in_place(|| Sim::open(books, config)).map_err(TortureError::new)?;
        let stripe_server = stripe.serve((Ipv4Addr::LOCALHOST, 0).into()).await.map_err(failed)?;
        let stripe_link = TcpProxy::disconnected().await;
        stripe_link.forward_to(stripe_server.address);
        let jwks_url = format!("{}/api/v1/auth/jwks.json", url_of("auth"));
        let mut services = Vec::new();
        for (name, front, address) in fronts {
            let proxy = TcpProxy::disconnected().await;
            proxy.forward_to(broker.address());
            let arguments = [
                ("--listen", address.to_string()),
                (
                    "--database",
                    disk.folder().join(format!("{name}.db")).display().to_string(),
                ),
                ("--amqp-url", format!("amqp://guest:guest@{}/%2f", proxy.address)),
                ("--namespace", namespace.clone()),
                ("--jwks-url", jwks_url.clone()),
                ("--drain-seconds", "0".to_owned()),
                ("--event-batches", event_batches.to_string()),
                ("--log", "info".to_owned()),
                ("--log-format", "json".to_owned()),
            ];
            let linked = match name {
                "payment" => Some(("--stripe-url", format!("http://{}/", stripe_link.address))),
                "notification" => Some(("--mail-folder", mail_folder.display().to_string())),
                _ => None,
            };
            let own = own_arguments(name)
                .iter()
                .map(|(flag, value)| (*flag, (*value).to_owned()));
            let pairs = arguments.into_iter().chain(linked).chain(own);
            let launch = Launch {
                program: program(name)?,
                arguments: ["serve".to_owned()]
                    .into_iter()
                    .chain(pairs.flat_map(|(flag, value)| [flag.to_owned(), value]))
                    .collect(),
                environment: environment(name, bug),
                log: folder.join(format!("{name}.log")),
            };
            services.push(Service {
                process: Process::start(name, launch)?,
                front,
                address,
                broker: proxy,
                busy: tokio::sync::Mutex::default(),
            });
        }
        let marketplace = Self {
            namespace,
            stripe_url: stripe_server.url.clone(),
            services,
            broker,
            disk,
            mail_folder,
            full_disk: Mutex::default(),
            stripe_link,
            stripe_link_is_busy: tokio::sync::Mutex::default(),
            stripe,
            stripe_server,
            unexpected_exits: Mutex::default(),
        };
        marketplace.wait_until_ready().await?;
        Ok(marketplace)
    }

    async fn wait_until_ready(&self) -> Result<(), TortureError> {
        let (deadline, client) = (Instant::now() + START_TIMEOUT, reqwest::Client::new());
        for service in &self.services {
            let url = format!("http://{}/health/ready", service.address);
            let ready = async {
                let mut ticks = interval(Duration::from_millis(50));
                loop {
                    ticks.tick().await;
                    let response = client.get(&url).send().await;
                    if response.is_ok_and(|response| response.status().is_success()) {
                        return;
                    }
                }
            };
            if timeout_at(deadline, ready).await.is_err() {
                return Err(TortureError(format!("{} is not ready", service.process.name)));
            }
        }
        Ok(())
    }

    /// Returns the URLs for clients, by service.
    pub(crate) fn endpoints(&self) -> Endpoints {
        let url = |service: &Service| {
            (
                service.process.name.to_owned(),
                format!("http://{}", service.front.address),
            )
        };
        Endpoints::Services(self.services.iter().map(url).collect())
    }

    /// Returns the folder of the databases.
    pub(crate) fn data(&self) -> &Path {
        self.disk.folder()
    }

    /// Returns the folder that mails are written to. It is not on the file system of the databases, which has no room for the
    /// mails of a long round.
    pub(crate) fn mail_folder(&self) -> &Path {
        &self.mail_folder
    }

    /// Whether the disk can be filled.
    pub(crate) fn has_own_disk(&self) -> bool {
        self.disk.is_mounted
    }

    fn service(&self, name: &str) -> Result<&Service, TortureError> {
        let found = self.services.iter().find(|service| service.process.name == name);
        found.ok_or_else(|| TortureError(format!("there is no service {name}")))
    }

    /// Applies a fault, and ends it. Faults of one part wait for each other.
    pub(crate) async fn inject(&self, fault: Fault) -> Result<(), TortureError> {
        match fault {
            Fault::KillService { service, down } => self.service(service)?.process.kill(down).await,
            Fault::PauseService { service, lasts } => {
                self.service(service)?.process.pause(lasts).await;
                Ok(())
            }
            Fault::KillBroker { down } => self.broker.kill(down).await,
            Fault::PauseBroker { lasts } => self.broker.pause(lasts).await,
            Fault::Disturb {
                link,
                disturbance,
                lasts,
            } => self.disturb(link, disturbance, lasts).await,
            Fault::FillDisk { lasts } => self.fill_disk(lasts).await,
            Fault::PurgeTimers => {
                let names = DELAY_QUEUES.map(|queue| format!("{}{queue}", self.namespace));
                // While the broker is down, its timers are lost for clients all the same.
                let _ = self.broker.purge(&names).await;
                Ok(())
            }
        }
    }

    async fn disturb(&self, link: Link, disturbance: Disturbance, lasts: Duration) -> Result<(), TortureError> {
        let (proxy, target, busy) = match link {
            Link::Clients(name) => {
                let service = self.service(name)?;
                (&service.front, service.address, &service.busy)
            }
            Link::Broker(name) => {
                let service = self.service(name)?;
                (&service.broker, self.broker.address(), &service.busy)
            }
            Link::Stripe => (&self.stripe_link, self.stripe_server.address, &self.stripe_link_is_busy),
        };
        let _busy = busy.lock().await;
        match disturbance {
            Disturbance::Cut => proxy.disconnect(),
            Disturbance::Stall => proxy.set_flow(Flow::Stalled),
            Disturbance::Slow(delay) => proxy.set_flow(Flow::Slow(delay)),
        }
        sleep(lasts).await;
        proxy.set_flow(Flow::Free);
        proxy.forward_to(target);
        Ok(())
    }

    async fn fill_disk(&self, lasts: Duration) -> Result<(), TortureError> {
        let since = Instant::now();
        let record = |until| {
            *self.full_disk.lock().unwrap_or_else(PoisonError::into_inner) = Some(FullDisk { since, until });
        };
        record(None);
        let filled = tokio::task::block_in_place(|| self.disk.fill());
        sleep(lasts).await;
        self.disk.free().map_err(TortureError::new)?;
        record(Some(Instant::now()));
        filled.map_err(TortureError::new)
    }

    /// Starts services again that end by themselves, which is a violation unless the disk is full. Never returns, except on
    /// an error.
    pub(crate) async fn supervise(&self) -> Result<(), TortureError> {
        let mut ticks = interval(SUPERVISION_INTERVAL);
        loop {
            ticks.tick().await;
            for Service { process, .. } in &self.services {
                let Some(exit) = process.restart_if_ended()? else {
                    continue;
                };
                let full_disk = *self.full_disk.lock().unwrap_or_else(PoisonError::into_inner);
                let is_expected = full_disk.is_some_and(|full_disk| full_disk.can_cause(&exit));
                if !is_expected {
                    let mut exits = self.unexpected_exits.lock().unwrap_or_else(PoisonError::into_inner);
                    exits.push(format!("{} ended by itself: {}", process.name, exit.status));
                }
            }
        }
    }

    /// Stops all services, which finish the work in progress. Returns what the processes have done wrong.
    pub(crate) async fn stop_services(&self) -> Vec<String> {
        let mut wrong = std::mem::take(&mut *self.unexpected_exits.lock().unwrap_or_else(PoisonError::into_inner));
        for Service { process, .. } in &self.services {
            if !process.stop().await {
                wrong.push(format!("{} does not stop", process.name));
            }
            let panics = process.panics();
            wrong.extend(panics.iter().map(|line| format!("{} panicked: {line}", process.name)));
        }
        wrong
    }

    /// Checks the database of every service with its own program. Returns the findings.
    pub(crate) fn check_databases(&self) -> Result<Vec<String>, TortureError> {
        let mut findings = Vec::new();
        for name in SERVICES {
            let database = self.data().join(format!("{name}.db"));
            let mut check = std::process::Command::new(program(name)?);
            check.env_clear().args(["check", "--full", "--database"]).arg(&database);
            let output = check.output().map_err(TortureError::new)?;
            if !output.status.success() {
                let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
                findings.push(format!("check of {name}: {} {}", out.trim(), err.trim()));
            }
        }
        Ok(findings)
    }

    /// Stops the Stripe simulator, and copies the databases to the folder of the round if they are to be kept.
    pub(crate) async fn end(self, kept: Option<PathBuf>) -> Result<(), TortureError> {
        self.stripe_server.shutdown().await;
        self.stripe.close().await;
        match kept {
            Some(folder) => self
                .disk
                .copy_to(&folder)
                .map_err(|error| TortureError::file(&folder, &error)),
            None => Ok(()),
        }
    }
}

/// Returns settings of single services: few accounts and cards stand for many, nobody confirms an address, and deadlines are
/// short.
fn own_arguments(service: &str) -> &'static [(&'static str, &'static str)] {
    match service {
        "auth" => &[
            ("--sign-ups-per-address", "1000000"),
            ("--sign-up-reveals-addresses", "true"),
            ("--mail-key", MAIL_KEY),
        ],
        "notification" => &[
            ("--mail-key", MAIL_KEY),
            ("--admission-key", ADMISSION_KEY),
            ("--mails-per-recipient", "1000000"),
            ("--mails-per-minute", "1000000"),
        ],
        "ticket" => &[
            ("--max-open-orders", "1000000"),
            ("--unpaid-hold-pause-seconds", "0"),
            ("--require-confirmed-address", "false"),
            ("--admission-key", ADMISSION_KEY),
        ],
        "order" => &[
            ("--require-confirmed-address", "false"),
            ("--max-open-orders", "1000000"),
            ("--unpaid-hold-pause-seconds", "0"),
            ("--order-window-seconds", ORDER_WINDOW_SECONDS),
            ("--payment-extension-seconds", "5"),
        ],
        "expiration" => &[
            ("--order-window-seconds", ORDER_WINDOW_SECONDS),
            ("--expiration-sweep-seconds", "2"),
        ],
        "payment" => &[
            ("--declined-cards-per-order", "0"),
            ("--declined-cards-per-buyer", "0"),
            ("--declined-cards-per-network", "0"),
            ("--stripe-timeout-seconds", "3"),
        ],
        _ => &[],
    }
}

/// Returns the environment of a service.
fn environment(service: &str, bug: Option<&str>) -> Vec<(&'static str, String)> {
    let mut environment = vec![("RUST_BACKTRACE", "1".to_owned())];
    environment.extend(bug.map(|bug| ("TICKETING_TORTURE_BUG", bug.to_owned())));
    // The others send single events, so each service reads both formats.
    if ["ticket", "order"].contains(&service) {
        environment.push(("TICKETING_EVENT_BATCHES", "true".to_owned()));
    }
    if service == "payment" {
        environment.push(("TICKETING_STRIPE_SECRET_KEY", STRIPE_KEY.to_owned()));
        environment.push(("TICKETING_STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()));
    }
    environment
}

/// Returns the program of a service, beside this one.
fn program(service: &str) -> Result<PathBuf, TortureError> {
    let path = std::env::current_exe().map_err(TortureError::new)?;
    let path = path.with_file_name(format!("ticketing-{service}"));
    if path.exists() {
        return Ok(path);
    }
    Err(TortureError(format!(
        "{} is missing: use `just torture`, which builds it",
        path.display()
    )))
}

/// Returns addresses that are free now. Their ports are below those that the system gives to connections and to listeners at
/// port 0, so a service finds its address free whenever it starts.
fn free_addresses() -> impl Iterator<Item = SocketAddr> {
    let ports = SERVICE_PORTS.skip(skipped_ports(&SERVICE_PORTS));
    let addresses = ports.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    addresses.filter(|address| TcpListener::bind(address).is_ok())
}
