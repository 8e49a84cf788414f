use std::{fmt, io, net::SocketAddr, path::PathBuf, time::Duration};

use bus::Namespace;
use chassis::{BoundListener, BusSettings, CommonSettings, OperatorError, Running, Secret, Service};
use stripe_sim::{Config, Sim, Webhook};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use url::Url;

use crate::{
    DataFolder, Settings, Stripe,
    front_door::{self, Upstream},
    services::path_prefixes,
};

/// The key of the double: no secret, it guards nothing.
const DOUBLE_KEY: &str = "sk_test_ticketing";
const DOUBLE_PUBLISHABLE_KEY: &str = "pk_test_ticketing";
const DOUBLE_WEBHOOK_SECRET: &str = "whsec_ticketing";

/// How long the front door's connections may take to end, before it stops without them.
const PATIENCE: Duration = Duration::from_secs(12);

/// Everything, running.
pub struct Stack {
    /// Where the front door is.
    pub addr: SocketAddr,
    /// What all names in the broker begin with.
    pub namespace: Namespace,
    services: Vec<StartedService>,
    double: Option<(Sim, stripe_sim::RunningSim)>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
    /// Released last.
    folder: DataFolder,
}

struct StartedService {
    upstream: Upstream,
    running: Running,
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the stack at {}", self.url())
    }
}

impl Stack {
    /// Starts everything, telling of each part as its turn comes. Whatever cannot be is said in one sentence, and nothing
    /// is left running.
    pub async fn start(settings: Settings, progress: impl Fn(&str) + Send + Sync) -> Result<Self, OperatorError> {
        progress("the data folder");
        let folder = DataFolder::open(&settings.data)?;
        let namespace = folder.namespace(&settings.clock)?;
        // Before anything else: a second stack beside this one is noticed here.
        let front_door = BoundListener::bind(settings.front_door()).await?;
        progress("the broker");
        bus::admin::ping(&settings.broker)
            .await
            .map_err(|error| OperatorError(format!("no broker: {error}")))?;
        let mut stack = Self {
            addr: front_door.addr,
            namespace,
            services: Vec::new(),
            double: None,
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
            Stripe::Double(platform_fee) => {
                progress("the Stripe double");
                let stripe_url = self.start_double(&settings).await?;
                let stripe_secret_key = Secret::new(DOUBLE_KEY.to_owned());
                payment::Settings {
                    stripe_url,
                    stripe_secret_key,
                    stripe_publishable_key: Some(DOUBLE_PUBLISHABLE_KEY.to_owned()),
                    stripe_webhook_secrets: vec![Secret::new(DOUBLE_WEBHOOK_SECRET.to_owned())],
                    stripe_timeout: Duration::from_secs(10),
                    platform_fee,
                }
            }
            Stripe::At(payment) => payment,
        };
        let mut common = CommonSettings {
            listen: settings.front_door(),
            bus: BusSettings {
                url: settings.broker.clone(),
                namespace: self.namespace.clone(),
            },
            // Of auth itself, which needs none.
            jwks_url: parse_url("http://127.0.0.1/")?,
            token_issuer: "ticketing".to_owned(),
            token_audience: "ticketing".to_owned(),
            allowed_origins: Vec::new(),
        };
        progress("auth");
        let auth = self
            .start_service::<auth::Auth>(&settings, &common, settings.auth.clone())
            .await?;
        common.jwks_url = parse_url(&format!("http://{}/api/v1/auth/jwks.json", reachable(auth)))?;
        progress("ticket");
        self.start_service::<ticket::Ticket>(&settings, &common, ()).await?;
        progress("order");
        self.start_service::<order::Orders>(&settings, &common, settings.order)
            .await?;
        progress("expiration");
        self.start_service::<expiration::Expiration>(&settings, &common, settings.expiration)
            .await?;
        progress("payment");
        self.start_service::<payment::Payments>(&settings, &common, payment)
            .await?;
        progress("the queues in the broker");
        for service in &mut self.services {
            let connected = service.running.broker.wait_for(|state| *state == bus::State::Connected);
            // Should the broker have gone meanwhile, the services go on without it.
            let _ = tokio::time::timeout(PATIENCE, connected).await;
            let recovered = service.running.recovered.wait_for(|recovered| *recovered);
            let _ = tokio::time::timeout(PATIENCE, recovered).await;
        }
        progress("the front door");
        let upstreams = self.services.iter().map(|service| service.upstream.clone()).collect();
        chassis::serve(
            front_door,
            front_door::endpoint(upstreams),
            self.shutdown.clone(),
            &self.tasks,
        )
    }

    async fn start_double(&mut self, settings: &Settings) -> Result<Url, OperatorError> {
        let path = self.database("stripe");
        let config = Config {
            clock: settings.clock.clone(),
            // Through the front door, as Stripe would come.
            webhooks: vec![Webhook {
                url: format!("{}/api/v1/payments/webhook", self.url()),
                secret: DOUBLE_WEBHOOK_SECRET.to_owned(),
                events: vec!["*".to_owned()],
            }],
            ..Config::new(DOUBLE_KEY)
        };
        let opened = tokio::task::spawn_blocking(move || {
            Sim::open(&path, config).map_err(|error| OperatorError(format!("{}: {error}", path.display())))
        });
        let sim = opened.await.map_err(OperatorError::new)??;
        let running = match sim.serve(settings.double()).await {
            Ok(running) => running,
            Err(error) => {
                sim.close().await;
                let why = match error.kind() {
                    io::ErrorKind::AddrInUse => "is taken: another program listens there".to_owned(),
                    _ => format!("cannot be listened on: {error}"),
                };
                return Err(OperatorError(format!("{} {why}", settings.double())));
            }
        };
        let url = parse_url(&running.url);
        self.double = Some((sim, running));
        url
    }

    async fn start_service<S: Service>(
        &mut self,
        settings: &Settings,
        common: &CommonSettings,
        own: S::Settings,
    ) -> Result<SocketAddr, OperatorError> {
        let common = CommonSettings {
            listen: settings.service(S::PORT),
            ..common.clone()
        };
        let running = chassis::start::<S>(self.database(S::NAME), common, own, settings.clock.clone()).await?;
        let (addr, endpoint) = (running.addr, running.endpoint.clone());
        self.services.push(StartedService {
            upstream: Upstream {
                name: S::NAME,
                prefixes: path_prefixes(&chassis::spec::<S>()),
                endpoint,
            },
            running,
        });
        Ok(addr)
    }

    fn database(&self, name: &str) -> PathBuf {
        self.folder.database(name)
    }

    /// Where the front door is: `http://127.0.0.1:4000`.
    pub fn url(&self) -> String {
        format!("http://{}", reachable(self.addr))
    }

    /// Each service by its name, and where it is by itself.
    pub fn services(&self) -> impl Iterator<Item = (&'static str, String)> {
        let told = |service: &StartedService| {
            (
                service.upstream.name,
                format!("http://{}", reachable(service.running.addr)),
            )
        };
        self.services.iter().map(told)
    }

    /// The double, if it takes the cards, and where it is.
    pub fn double(&self) -> Option<(&Sim, &str)> {
        self.double.as_ref().map(|(sim, running)| (sim, running.url.as_str()))
    }

    /// Stops everything: first the front door, then the services, each finishing what it has begun, at last the double.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        self.tasks.close();
        if tokio::time::timeout(PATIENCE, self.tasks.wait()).await.is_err() {
            tracing::warn!("stopping without waiting for all of the front door's connections");
        }
        let stopping = TaskTracker::new();
        for service in self.services.drain(..) {
            drop(service.upstream);
            stopping.spawn(service.running.stop());
        }
        stopping.close();
        stopping.wait().await;
        if let Some((sim, running)) = self.double.take() {
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

/// Where something can be asked that may listen on all addresses.
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
