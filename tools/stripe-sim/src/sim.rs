//! The double itself: opened, served, and looked into by tests.

use std::{fmt, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use poem::{
    Server,
    listener::{Acceptor, Listener, TcpListener},
};
use tokio::sync::{Notify, OnceCell};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use values::Clock;

use crate::{
    auth::Keys,
    config::Config,
    delivery,
    disturb::WebhookFaults,
    error::StripeError,
    faults::Faults,
    id,
    idempotency::InUse,
    later,
    server::Front,
    store::{OpenError, Origin, Store, Tx},
    webhooks,
};

/// How long a server that is shut down waits for its open connections.
const DRAIN: Duration = Duration::from_secs(5);

/// The double's database failed, or what was asked for does not fit the state.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ControlError(String);

impl From<StripeError> for ControlError {
    fn from(error: StripeError) -> Self {
        Self(error.cause.unwrap_or(error.body.message))
    }
}

/// A Stripe of one's own. Clones are the same one; the last to be dropped stops it.
#[derive(Clone)]
pub struct Sim {
    pub(crate) inner: Arc<Inner>,
    _stop: Arc<DropGuard>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) keys: Keys,
    pub(crate) clock: Clock,
    pub(crate) webhook_backoff: Duration,
    pub(crate) webhook_attempts: u32,
    pub(crate) later: Option<Duration>,
    pub(crate) faults: Faults,
    pub(crate) disturbances: WebhookFaults,
    pub(crate) in_use: InUse,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    /// Told after each transaction: there may be something to deliver.
    pub(crate) wake: Notify,
    /// Told with it: there may be something to happen later.
    pub(crate) plans: Notify,
    delivering: OnceCell<()>,
}

impl Inner {
    /// Runs database work off the async threads.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, StripeError> + Send + 'static,
    ) -> Result<T, StripeError> {
        let inner = self.clone();
        self.tasks
            .spawn_blocking(move || work(&inner))
            .await
            .map_err(StripeError::internal)?
    }

    /// Runs work of the double itself, which belongs to no request.
    pub(crate) async fn within<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StripeError> + Send + 'static,
    ) -> Result<T, StripeError> {
        let done = self.blocking(move |inner| inner.transact(work)).await;
        self.changed();
        done
    }

    /// Lets those know who wait for changes.
    pub(crate) fn changed(&self) {
        self.wake.notify_one();
        self.plans.notify_one();
    }

    /// The same, for who is off the async threads already.
    pub(crate) fn transact<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T, StripeError>) -> Result<T, StripeError> {
        let origin = Origin::of_the_double(String::new())?;
        let now = self.clock.now();
        self.store.transaction(|sql| {
            work(&Tx {
                sql,
                now,
                origin: &origin,
            })
        })
    }

    /// Starts delivering webhooks, once.
    pub(crate) async fn start(self: &Arc<Self>) {
        self.delivering
            .get_or_init(|| async {
                self.tasks.spawn(delivery::run(self.clone()));
                self.tasks.spawn(later::run(self.clone()));
            })
            .await;
    }
}

impl Origin {
    pub(crate) fn of_the_double(base_url: String) -> Result<Self, StripeError> {
        Ok(Self {
            request_id: format!("req_{}", id::random(14)?),
            idempotency_key: None,
            base_url,
        })
    }
}

impl Sim {
    /// A double that forgets everything when it is dropped.
    pub fn in_memory(config: Config) -> Result<Self, OpenError> {
        Self::over(Store::open(None)?, config)
    }

    /// A double that keeps its state in a file: nothing that was answered is lost, whatever dies.
    pub fn open(path: impl AsRef<Path>, config: Config) -> Result<Self, OpenError> {
        Self::over(Store::open(Some(path.as_ref()))?, config)
    }

    fn over(store: Store, config: Config) -> Result<Self, OpenError> {
        let stop = CancellationToken::new();
        let inner = Inner {
            store,
            keys: Keys {
                secret: config.secret_key,
                publishable: config.publishable_key,
            },
            clock: config.clock,
            webhook_backoff: config.webhook_backoff,
            webhook_attempts: config.webhook_attempts.max(1),
            later: config.scheduled_delay,
            faults: Faults::default(),
            disturbances: WebhookFaults::default(),
            in_use: InUse::default(),
            tasks: TaskTracker::new(),
            stop: stop.clone(),
            wake: Notify::new(),
            plans: Notify::new(),
            delivering: OnceCell::new(),
        };
        let configured = inner.transact(|tx| {
            config
                .webhooks
                .iter()
                .try_for_each(|hook| webhooks::configure(tx, &hook.url, &hook.secret, &hook.events))
        });
        configured.map_err(|error| OpenError::Unwritable(error.cause.unwrap_or(error.body.message)))?;
        Ok(Self {
            inner: Arc::new(inner),
            _stop: Arc::new(stop.drop_guard()),
        })
    }

    /// The whole HTTP surface, to be served by whoever wants to.
    pub fn endpoint(&self) -> impl poem::Endpoint<Output = poem::Response> + 'static {
        Front(self.clone())
    }

    /// Listens at an address (port 0: any free one) until the answer is shut down or dropped.
    pub async fn serve(&self, address: SocketAddr) -> std::io::Result<RunningSim> {
        let acceptor = TcpListener::bind(address).into_acceptor().await?;
        let local = acceptor
            .local_addr()
            .iter()
            .find_map(|address| address.as_socket_addr().copied());
        let address = local.unwrap_or(address);
        self.inner.start().await;
        let stop = self.inner.stop.child_token();
        let stopped = stop.clone().cancelled_owned();
        let server = Server::new_with_acceptor(acceptor).name("stripe-sim");
        let task = self
            .inner
            .tasks
            .spawn(server.run_with_graceful_shutdown(self.endpoint(), stopped, Some(DRAIN)));
        Ok(RunningSim {
            url: format!("http://{address}"),
            address,
            stop: stop.drop_guard(),
            task,
        })
    }

    /// Stops everything: held requests are cut, running ones are waited for.
    pub async fn close(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").finish_non_exhaustive()
    }
}

/// A double that listens. Dropping it stops the listening; the [`Sim`] keeps its state and can listen again.
#[derive(Debug)]
pub struct RunningSim {
    /// Where it listens, without a slash at the end: `http://127.0.0.1:12111`.
    pub url: String,
    /// The same as an address.
    pub address: SocketAddr,
    stop: DropGuard,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl RunningSim {
    /// Stops listening and waits until every open request is answered, five seconds at most.
    pub async fn shutdown(self) {
        drop(self.stop);
        // A server that has panicked does not listen either.
        let _ended = self.task.await;
    }
}
