use std::{io, net::SocketAddr, time::Duration};

use poem::{IntoEndpoint, Server, listener::TcpAcceptor};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::OperatorError;

/// How long a connection may be idle, or take to send its headers, before it is closed.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// How long running requests may take to finish when the service stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// A bound listener of a server that does not run yet.
#[derive(Debug)]
pub struct BoundListener {
    listener: TcpListener,
    /// The address, with the port that port 0 was replaced by.
    pub addr: SocketAddr,
}

impl BoundListener {
    /// Binds an address.
    pub async fn bind(addr: SocketAddr) -> Result<Self, OperatorError> {
        let listener = TcpListener::bind(addr).await.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => OperatorError(format!("{addr} is taken: another program listens there")),
            _ => OperatorError(format!("{addr} cannot be listened on: {error}")),
        })?;
        let addr = listener.local_addr().map_err(OperatorError::new)?;
        Ok(Self { listener, addr })
    }
}

/// Serves until shutdown; running requests may finish.
pub fn serve(
    listener: BoundListener,
    endpoint: impl IntoEndpoint<Endpoint: 'static> + Send + 'static,
    shutdown: CancellationToken,
    tasks: &TaskTracker,
) -> Result<(), OperatorError> {
    let addr = listener.addr;
    let acceptor = TcpAcceptor::from_tokio(listener.listener).map_err(OperatorError::new)?;
    let server = Server::new_with_acceptor(acceptor).idle_timeout(IDLE_TIMEOUT);
    tasks.spawn(async move {
        if let Err(error) = server
            .run_with_graceful_shutdown(endpoint, shutdown.cancelled_owned(), Some(DRAIN_TIMEOUT))
            .await
        {
            tracing::error!(%addr, %error, "http server failed");
        }
    });
    Ok(())
}
