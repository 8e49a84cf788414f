use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use metrics::MetricsRegistry;
use poem::{EndpointExt, IntoEndpoint};
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    body_budget::BodyBudget,
    closing::ServerShutdown,
    connection::{ConnectionContext, protocols},
    connections::{Connections, OpenConnection},
    limits::ServerLimits,
    listener::{BoundListener, stop_connections},
    log_interval::LogInterval,
    metrics::ConnectionMetrics,
    stream_tasks::StreamTasks,
};
use crate::TrustedProxies;

/// The first delay after a failed accept; it doubles up to [`MAX_BACKOFF`].
const MIN_BACKOFF: Duration = Duration::from_millis(10);
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// How long the handshakes of connections may take that began before the server stopped.
const HANDSHAKE_TIME: Duration = Duration::from_millis(100);

/// How long the kernel retransmits to a client that does not acknowledge, or does not read.
const TCP_TIMEOUT: Duration = Duration::from_secs(40);

/// An HTTP server that does not run yet.
pub struct Server<E> {
    endpoint: E,
    limits: ServerLimits,
    proxies: TrustedProxies,
    metrics: ConnectionMetrics,
}

impl<E> std::fmt::Debug for Server<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a server with {:?}", self.limits)
    }
}

/// Serves with the default limits until shutdown; running requests may finish.
pub fn serve(
    listener: BoundListener,
    endpoint: impl IntoEndpoint<Endpoint: 'static> + Send + 'static,
    shutdown: CancellationToken,
    tasks: &TaskTracker,
) {
    Server::new(endpoint).serve(listener, shutdown.into(), tasks);
}

impl<E> Server<E>
where
    E: IntoEndpoint<Endpoint: 'static> + Send + 'static,
{
    /// Creates a server with the default limits.
    pub fn new(endpoint: E) -> Self {
        Self {
            endpoint,
            limits: ServerLimits::default(),
            proxies: TrustedProxies::default(),
            metrics: ConnectionMetrics::default(),
        }
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: ServerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the proxies that state the addresses of their clients, whose networks share the room for request bodies.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Registers metrics of the connections.
    #[must_use]
    pub fn metrics(mut self, metrics: &MetricsRegistry) -> Self {
        self.metrics = ConnectionMetrics::of(metrics);
        self
    }

    /// Serves until shutdown; running requests may finish.
    pub fn serve(self, listener: BoundListener, shutdown: ServerShutdown, tasks: &TaskTracker) {
        // For the ids of its requests, in a process that writes no log.
        telemetry::install_default();
        let streams = StreamTasks {
            tasks: tasks.clone(),
            timeout: self.limits.stream,
        };
        let connections = Connections::new(&self.limits, self.metrics.clone());
        let server = RunningServer {
            connections: connections.clone(),
            sockets: Arc::new(Semaphore::new(self.limits.sockets())),
            context: Arc::new(ConnectionContext {
                endpoint: self.endpoint.into_endpoint().map_to_response().boxed(),
                connections,
                bodies: BodyBudget::new(
                    self.limits.held_body_bytes,
                    self.limits.body_share_bytes,
                    self.limits.slow_body,
                ),
                proxies: self.proxies,
                limits: self.limits,
                local_addr: listener.addr,
                shutdown,
                builder: protocols(streams),
            }),
            metrics: self.metrics,
            tasks: tasks.clone(),
            limit_reached: LogInterval::default(),
            accept_failed: LogInterval::default(),
        };
        tasks.spawn(server.run(listener.listener));
    }
}

struct RunningServer {
    context: Arc<ConnectionContext>,
    connections: Connections,
    /// One permit for each open socket: connections, and those that are being closed in favour of others.
    sockets: Arc<Semaphore>,
    metrics: ConnectionMetrics,
    tasks: TaskTracker,
    limit_reached: LogInterval,
    accept_failed: LogInterval,
}

impl RunningServer {
    async fn run(self, listener: TcpListener) {
        let stopping = self.context.shutdown.stopping.clone();
        let mut backoff = MIN_BACKOFF;
        loop {
            let accepted = stopping.run_until_cancelled(self.accept(&listener)).await;
            let Some(accepted) = accepted else { break };
            match accepted {
                Ok((stream, peer, socket)) => {
                    backoff = MIN_BACKOFF;
                    let place = stopping.run_until_cancelled(self.place()).await;
                    let place = place.or_else(|| self.connections.open());
                    self.open(place, stream, peer, socket);
                }
                Err(error) if is_about_one_connection(&error) => {}
                Err(error) => {
                    self.report_failed(&error);
                    self.connections.evict_waiting();
                    let _ = stopping.run_until_cancelled(sleep(backoff)).await;
                    backoff = (backoff * 2).min(MAX_BACKOFF);
                }
            }
        }
        self.close(listener).await;
    }

    /// Waits for a connection. As long as too many sockets are open, new connections wait in the queue of the kernel.
    async fn accept(
        &self,
        listener: &TcpListener,
    ) -> io::Result<(TcpStream, SocketAddr, Option<OwnedSemaphorePermit>)> {
        // It is never closed.
        let socket = Arc::clone(&self.sockets).acquire_owned().await.ok();
        let (stream, peer) = listener.accept().await?;
        Ok((stream, peer, socket))
    }

    /// Closes the listener, without losing connections that the kernel has established already.
    async fn close(&self, listener: TcpListener) {
        match stop_connections(&listener) {
            Ok(()) => {
                let handshakes = sleep(HANDSHAKE_TIME);
                tokio::pin!(handshakes);
                loop {
                    tokio::select! {
                        biased;
                        () = &mut handshakes => break,
                        accepted = listener.accept() => match accepted {
                            Ok((stream, peer)) => self.open(self.connections.open(), stream, peer, None),
                            Err(error) if is_about_one_connection(&error) => {}
                            Err(_) => break,
                        },
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "listener closes without a packet filter"),
        }
        let Ok(listener) = listener.into_std() else { return };
        while let Ok((stream, peer)) = listener.accept() {
            let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
            if let Ok(stream) = stream {
                self.open(self.connections.open(), stream, peer, None);
            }
        }
    }

    /// Waits until there is a place for a connection. Those behind it wait in the queue of the kernel.
    async fn place(&self) -> OpenConnection {
        loop {
            if let Some(place) = self.connections.open() {
                return place;
            }
            self.report_limit();
            self.connections.place_freed().await;
        }
    }

    fn open(
        &self,
        place: Option<OpenConnection>,
        stream: TcpStream,
        peer: SocketAddr,
        socket: Option<OwnedSemaphorePermit>,
    ) {
        let Some(open) = place else {
            self.connections.drop_unserved();
            return;
        };
        if open.is_limited {
            self.report_limit();
        }
        // A socket whose client has gone already has no options; reading from it fails.
        let _ = stream.set_nodelay(true);
        let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(TCP_TIMEOUT));
        let (context, metrics) = (Arc::clone(&self.context), self.metrics.clone());
        self.tasks.spawn(async move {
            let reason = context.serve(stream, peer, &open).await;
            drop(socket);
            metrics.closed(reason);
            tracing::debug!(%peer, reason = reason.as_str(), "connection closed");
        });
    }

    fn report_limit(&self) {
        if let Some(count) = self.limit_reached.occurred() {
            let open = self.connections.count();
            tracing::warn!(
                open,
                refused = count,
                "connection limit reached, serving health and metrics only"
            );
        }
    }

    fn report_failed(&self, error: &io::Error) {
        self.metrics.accept_errors.inc();
        if let Some(count) = self.accept_failed.occurred() {
            let open = self.connections.count();
            tracing::error!(%error, open, count, "connection not accepted, will retry");
        }
    }
}

/// Whether an accept failed because the connection had ended already.
fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
