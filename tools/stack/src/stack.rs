//! The running stack: starting, addresses, stopping.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use bus::Namespace;
use chassis::{
    BoundListener, BusSettings, CommonSettings, HttpSettings, OperatorError, Running, SecretArg, Server, ServerLimits,
    Service, SiteSettings, TrustedProxies,
    site::{self, RunningSite, Site},
};
use storefront::Storefront;
use stripe_sim::{Config, RunningSim, Sim, Webhook};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use crate::{
    DataFolder, Settings, Stripe,
    front_door::{self, StorefrontPages, Upstream},
    mail_pages::{self, MailFolder},
    services::{SERVICES, ServiceEntry, ServiceSettings, path_prefixes},
};

// The keys of the Stripe simulator. They are no secrets: it listens on this machine only.
const SIMULATOR_SECRET_KEY: &str = "sk_test_ticketing";
const SIMULATOR_PUBLISHABLE_KEY: &str = "pk_test_ticketing";
const SIMULATOR_WEBHOOK_SECRET: &str = "whsec_ticketing";

/// Timeout for the front door's connections to end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(12);

/// Timeout for a service to declare its queues, and for it to recover.
const START_TIMEOUT: Duration = Duration::from_secs(12);

/// The whole marketplace, running in this process.
pub struct Stack {
    /// The address of the front door.
    pub addr: SocketAddr,
    /// The prefix of all names in the broker.
    pub namespace: Namespace,
    services: Vec<RunningService>,
    storefront: Option<RunningSite>,
    mail_pages: Option<SocketAddr>,
    stripe_simulator: Option<(Sim, RunningSim)>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
    /// Dropped last, which releases its lock.
    folder: DataFolder,
}

struct RunningService {
    upstream: Upstream,
    running: Running,
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the stack at {}", self.url())
    }
}

impl Stack {
    /// Starts every part and calls `progress` with the name of each before it starts.
    ///
    /// # Errors
    ///
    /// The first part that cannot start. All others are stopped again.
    pub async fn start(settings: Settings, progress: impl Fn(&str) + Send + Sync) -> Result<Self, OperatorError> {
        progress("the data folder");
        let folder = DataFolder::open(&settings.data)?;
        let namespace = folder.namespace(&settings.clock)?;
        // First of all ports: it fails at once if another stack runs.
        let front_door = BoundListener::bind(settings.front_door()).await?;
        progress("the broker");
        bus::admin::ping(&settings.broker)
            .await
            .map_err(|error| OperatorError(format!("no broker: {error}")))?;
        let mut stack = Self {
            addr: front_door.addr,
            namespace,
            services: Vec::new(),
            storefront: None,
            mail_pages: None,
            stripe_simulator: None,
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            folder,
        };
        match stack.start_parts(settings, front_door, progress).await {
            Ok(()) => Ok(stack),
            Err(error) => {
                stack.stop().await;
                Err(error)
            }
        }
    }

    async fn start_parts(
        &mut self,
        settings: Settings,
        front_door: BoundListener,
        progress: impl Fn(&str) + Send + Sync,
    ) -> Result<(), OperatorError> {
        let payment = match settings.stripe.clone() {
            Stripe::Simulator(platform_fee, card_limits) => {
                progress("the Stripe simulator");
                payment::Settings {
                    stripe_url: self.start_stripe_simulator(&settings).await?,
                    stripe_secret_key: Some(SIMULATOR_SECRET_KEY.parse().map_err(OperatorError::new)?),
                    stripe_publishable_key: Some(SIMULATOR_PUBLISHABLE_KEY.to_owned()),
                    stripe_webhook_secrets: Some(SIMULATOR_WEBHOOK_SECRET.parse().map_err(OperatorError::new)?),
                    platform_fee,
                    card_limits,
                    ..payment::Settings::default()
                }
            }
            Stripe::At(payment) => payment,
        };
        let mail_key = self.folder.shared_key("mail").await?;
        let admission_key = self.folder.shared_key("admission").await?;
        let own = ServiceSettings {
            auth: auth::Settings {
                mail_key: Some(SecretArg::new(mail_key.clone())),
                ..settings.auth.clone()
            },
            order: settings.order,
            expiration: settings.expiration,
            payment,
            admission_key: admission_key.clone(),
            notification: notification::Settings {
                public_url: parse_url(&self.url())?,
                mail_key: Some(SecretArg::new(mail_key.clone())),
                admission_key: Some(SecretArg::new(admission_key)),
                ..settings.notification.clone()
            },
        };
        // The front door, the storefront, the pages with mails and the services share the limit of open files.
        let servers = SERVICES.len() + 3;
        let storefront_address = storefront_address(&settings);
        let mut common = CommonSettings {
            http: HttpSettings {
                servers,
                trusted_proxies: storefront_address.map_or_else(TrustedProxies::default, TrustedProxies::of),
                // Nothing distributes requests: after the signal, the listeners close at once.
                drain_delay: Duration::ZERO,
                ..HttpSettings::default()
            },
            bus: BusSettings {
                url: SecretArg::new(settings.broker.clone()),
                namespace: self.namespace.clone(),
                // All services are of one release.
                event_batches: true,
                ..BusSettings::default()
            },
            ..CommonSettings::default()
        };
        for service in &SERVICES {
            progress(service.name);
            common.http.listen = Some(settings.service(service.port));
            let addr = self.start_service(service, &common, &own, &settings).await?;
            if service.name == auth::Auth::NAME {
                common.jwks_url = Some(parse_url(&format!("http://{}/api/v1/auth/jwks.json", reachable(addr)))?);
            }
        }
        progress("the queues in the broker");
        for service in &mut self.services {
            // If the broker has gone meanwhile, the services run without it.
            let connected = service
                .running
                .broker
                .wait_for(|state| *state == bus::ConnectionState::Connected);
            let _ = tokio::time::timeout(START_TIMEOUT, connected).await;
            let recovered = service.running.recovered.wait_for(|recovered| *recovered);
            let _ = tokio::time::timeout(START_TIMEOUT, recovered).await;
        }
        progress("the storefront");
        let storefront = self.start_storefront(&settings, servers, storefront_address).await?;
        if settings.notification.smtp_url.is_none() {
            progress("the pages with mails");
            self.start_mail_pages(&settings, servers).await?;
        }
        progress("the front door");
        let upstreams = self.services.iter().map(|service| service.upstream.clone()).collect();
        let limits = ServerLimits::of_each(servers, None);
        Server::new(front_door::endpoint(upstreams, storefront))
            .limits(limits)
            .serve(front_door, self.shutdown.clone().into(), &self.tasks);
        Ok(())
    }

    async fn start_storefront(
        &mut self,
        settings: &Settings,
        servers: usize,
        local_address: Option<IpAddr>,
    ) -> Result<StorefrontPages, OperatorError> {
        let site = SiteSettings {
            http: HttpSettings {
                listen: Some(settings.service(Storefront::PORT)),
                servers,
                drain_delay: Duration::ZERO,
                ..HttpSettings::default()
            },
            ..SiteSettings::default()
        };
        let url_of = |name: &str| {
            let (_, url) = self.services().find(|(service, _)| *service == name)?;
            url.parse().ok()
        };
        let mut own = storefront::Settings {
            public_url: parse_url(&self.url())?,
            auth_url: url_of(auth::Auth::NAME),
            ticket_url: url_of(ticket::Ticket::NAME),
            order_url: url_of(order::Orders::NAME),
            payment_url: url_of(payment::Payments::NAME),
            notification_url: url_of(notification::Notification::NAME),
            local_address,
            ..storefront::Settings::default()
        };
        if let Some((_, simulator)) = self.stripe_simulator() {
            own.stripe_script_url = parse_url(&format!("{simulator}/v3/"))?;
        }
        let running = site::start::<Storefront>(site, own, settings.clock.clone()).await?;
        let pages = running.endpoint.clone();
        self.storefront = Some(running);
        Ok(pages)
    }

    /// Starts the pages that show the files of notification.
    async fn start_mail_pages(&mut self, settings: &Settings, servers: usize) -> Result<(), OperatorError> {
        let listener = BoundListener::bind(settings.mail_pages()).await?;
        self.mail_pages = Some(listener.addr);
        let folder = settings.notification.mail_folder.clone();
        let folder = MailFolder::new(folder.unwrap_or_else(|| settings.data.join("mail")));
        Server::new(mail_pages::endpoint(&folder))
            .limits(ServerLimits::of_each(servers, None))
            .serve(listener, self.shutdown.clone().into(), &self.tasks);
        Ok(())
    }

    async fn start_stripe_simulator(&mut self, settings: &Settings) -> Result<Url, OperatorError> {
        let path = self.database("stripe");
        let config = Config {
            clock: settings.clock.clone(),
            // Through the front door, like Stripe's.
            webhooks: vec![Webhook {
                url: format!("{}/api/v1/payments/webhook", self.url()),
                secret: SIMULATOR_WEBHOOK_SECRET.to_owned(),
                events: payment::HANDLED_EVENT_TYPES.map(str::to_owned).to_vec(),
            }],
            ..Config::new(SIMULATOR_SECRET_KEY)
        };
        let opened = tokio::task::spawn_blocking(move || {
            Sim::open(&path, config).map_err(|error| OperatorError(format!("{}: {error}", path.display())))
        });
        let sim = opened.await.map_err(OperatorError::new)??;
        let running = match sim.serve(settings.stripe_simulator()).await {
            Ok(running) => running,
            Err(error) => {
                sim.close().await;
                let why = match error.kind() {
                    io::ErrorKind::AddrInUse => "is taken: another program listens there".to_owned(),
                    _ => format!("cannot be listened on: {error}"),
                };
                return Err(OperatorError(format!("{} {why}", settings.stripe_simulator())));
            }
        };
        let url = parse_url(&running.url);
        self.stripe_simulator = Some((sim, running));
        url
    }

    async fn start_service(
        &mut self,
        service: &ServiceEntry,
        common: &CommonSettings,
        own: &ServiceSettings,
        settings: &Settings,
    ) -> Result<SocketAddr, OperatorError> {
        let database = self.database(service.name);
        let running = (service.start)(database, common.clone(), own, settings.clock.clone()).await?;
        let addr = running.addr;
        self.services.push(RunningService {
            upstream: Upstream {
                name: service.name,
                prefixes: path_prefixes(&(service.document)()),
                endpoint: running.endpoint.clone(),
            },
            running,
        });
        Ok(addr)
    }

    fn database(&self, name: &str) -> PathBuf {
        self.folder.database(name)
    }

    /// Returns the URL of the front door: `http://127.0.0.1:4000`.
    pub fn url(&self) -> String {
        format!("http://{}", reachable(self.addr))
    }

    /// Returns the name and the own URL of each service.
    pub fn services(&self) -> impl Iterator<Item = (&'static str, String)> {
        let describe = |service: &RunningService| {
            (
                service.upstream.name,
                format!("http://{}", reachable(service.running.addr)),
            )
        };
        self.services.iter().map(describe)
    }

    /// Returns the own URL of the storefront.
    pub fn storefront(&self) -> Option<String> {
        let storefront = self.storefront.as_ref()?;
        Some(format!("http://{}", reachable(storefront.addr)))
    }

    /// Returns the URL of the pages with mails, unless mails are sent to an SMTP server.
    pub fn mail_pages(&self) -> Option<String> {
        self.mail_pages.map(|addr| format!("http://{addr}"))
    }

    /// Returns the Stripe simulator and its URL, unless Stripe is used.
    pub fn stripe_simulator(&self) -> Option<(&Sim, &str)> {
        self.stripe_simulator
            .as_ref()
            .map(|(sim, running)| (sim, running.url.as_str()))
    }

    /// Stops one service, for tests of the others without it.
    pub async fn stop_service(&mut self, name: &str) {
        if let Some(index) = self.services.iter().position(|service| service.upstream.name == name) {
            self.services.remove(index).running.stop().await;
        }
    }

    /// Stops the front door, then the services, which finish the work in progress, then the Stripe simulator.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        self.tasks.close();
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, self.tasks.wait()).await.is_err() {
            tracing::warn!("front door has open connections after the shutdown timeout, stopping anyway");
        }
        let stopping = TaskTracker::new();
        if let Some(storefront) = self.storefront.take() {
            storefront.stop().await;
        }
        for service in self.services.drain(..) {
            drop(service.upstream);
            stopping.spawn(service.running.stop());
        }
        stopping.close();
        stopping.wait().await;
        if let Some((sim, running)) = self.stripe_simulator.take() {
            running.shutdown().await;
            sim.close().await;
        }
    }
}

/// Deletes what a stack with the default order window has declared in the broker, with the messages: for tests.
pub async fn delete_namespace(broker: &bus::AmqpUrl, namespace: &Namespace) -> Result<(), bus::Error> {
    let delays: Vec<_> = expiration::Settings::default().delay_ladder().levels().collect();
    bus::admin::delete_namespace(broker, namespace, &delays).await
}

fn parse_url(text: &str) -> Result<Url, OperatorError> {
    text.parse().map_err(OperatorError::new)
}

/// Returns the address from which the storefront calls the services, so that they trust it alone to name its clients: no
/// other program uses this one. `None` where the system has no such address.
fn storefront_address(settings: &Settings) -> Option<IpAddr> {
    let address = IpAddr::from([127, 0, 40, 7]);
    let is_reachable = settings.bind.is_ipv4() && (settings.bind.is_loopback() || settings.bind.is_unspecified());
    let is_ours = || std::net::TcpListener::bind((address, 0)).is_ok();
    (is_reachable && is_ours()).then_some(address)
}

/// Returns an address that can be connected to, also where `addr` stands for all interfaces.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    if addr.ip().is_unspecified() {
        addr.set_ip(if addr.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    addr
}
