//! The simulator: opened, served, closed.

use std::{
    fmt,
    net::{Shutdown, SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use poem::{Server, listener::TcpAcceptor};
use socket2::SockRef;
use tokio_util::sync::DropGuard;

use crate::{
    background::Background,
    config::Config,
    domain::webhook_endpoint,
    error::StripeError,
    http::HttpEndpoint,
    state::SimState,
    store::{Database, OpenError},
};

/// The time that a server waits at its shutdown for open connections.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// A control of a test failed: the state of the object forbids it, or the database failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ControlError(String);

impl From<StripeError> for ControlError {
    fn from(error: StripeError) -> Self {
        Self(error.cause.unwrap_or(error.body.message))
    }
}

/// A Stripe simulator. Clones share one state; dropping the last one stops it.
#[derive(Clone)]
pub struct Sim {
    pub(crate) state: Arc<SimState>,
    background: Arc<Background>,
}

impl Sim {
    /// Returns a simulator whose state ends with it.
    pub fn in_memory(config: Config) -> Result<Self, OpenError> {
        Self::with_database(Database::open(None)?, config)
    }

    /// Returns a simulator with its state in a file. No response is lost, even if the process is killed.
    pub fn open(path: impl AsRef<Path>, config: Config) -> Result<Self, OpenError> {
        Self::with_database(Database::open(Some(path.as_ref()))?, config)
    }

    fn with_database(database: Database, mut config: Config) -> Result<Self, OpenError> {
        let webhooks = std::mem::take(&mut config.webhooks);
        let state = SimState::new(database, config);
        let configured = state.blocking_transaction(|tx| {
            webhooks
                .iter()
                .try_for_each(|webhook| webhook_endpoint::configure(tx, &webhook.url, &webhook.secret, &webhook.events))
        });
        configured.map_err(|error| OpenError::Unwritable(error.cause.unwrap_or(error.body.message)))?;
        let state = Arc::new(state);
        let background = Arc::new(Background::new(state.clone()));
        Ok(Self { state, background })
    }

    /// Returns the whole HTTP surface, for a server of the caller's own.
    pub fn endpoint(&self) -> impl poem::Endpoint<Output = poem::Response> + 'static {
        HttpEndpoint::new(self.state.clone(), self.background.clone())
    }

    /// Listens at an address (port 0: any free one) until the returned server is shut down or dropped.
    pub async fn serve(&self, address: SocketAddr) -> std::io::Result<RunningSim> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let acceptor = TcpAcceptor::from_std(listener.try_clone()?)?;
        self.background.start().await;
        let stop = self.state.stop.child_token();
        let stopped = stop.clone().cancelled_owned();
        let server = Server::new_with_acceptor(acceptor).name("stripe-sim");
        let task =
            self.state
                .tasks
                .spawn(server.run_with_graceful_shutdown(self.endpoint(), stopped, Some(DRAIN_TIMEOUT)));
        Ok(RunningSim {
            url: format!("http://{address}"),
            address,
            listener,
            stop: stop.drop_guard(),
            task,
        })
    }

    /// Stops everything: cuts held requests, and waits for running ones.
    pub async fn close(&self) {
        self.state.stop.cancel();
        self.state.tasks.close();
        self.state.tasks.wait().await;
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").finish_non_exhaustive()
    }
}

/// A simulator that listens. Dropping it stops listening; the [`Sim`] keeps its state and can listen again.
#[derive(Debug)]
pub struct RunningSim {
    /// Its URL without a trailing slash: `http://127.0.0.1:12111`.
    pub url: String,
    /// Its address.
    pub address: SocketAddr,
    listener: TcpListener,
    stop: DropGuard,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl RunningSim {
    /// Stops listening and waits for the open requests, five seconds at most.
    pub async fn shutdown(self) {
        drop(self.stop);
        // A server that has panicked does not listen either.
        let _ended = self.task.await;
        // Closing the socket is not enough to listen at its address again: a child process shares it until it runs its own
        // program. Only a socket that does not listen any more is refused.
        let _ = SockRef::from(&self.listener).shutdown(Shutdown::Read);
    }
}
