use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use url::Url;

use crate::broker::amqp_url_with_password;

/// The size of the parts that are passed on.
const BUFFER_BYTES: usize = 16 * 1024;

/// How a proxy passes bytes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// At once.
    Free,
    /// Each part after this delay, in both directions.
    Slow(Duration),
    /// Not at all. Connections stay open, and their bytes are passed on afterwards.
    Stalled,
}

/// A TCP proxy whose connections a test can break, slow down or stall, and whose target it can change.
#[derive(Debug)]
pub struct TcpProxy {
    /// The address at which it listens.
    pub address: SocketAddr,
    /// The host and port to forward to; `None` while disconnected.
    target: Arc<watch::Sender<Option<(String, u16)>>>,
    flow: watch::Sender<Flow>,
    _accepting: AbortOnDropHandle<()>,
}

impl TcpProxy {
    /// Returns a proxy without a target.
    pub async fn disconnected() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = Arc::new(watch::Sender::new(None));
        let targets = target.clone();
        let (flow, flows) = watch::channel(Flow::Free);
        let accepting = TaskTracker::new().spawn(async move {
            let connections = TaskTracker::new();
            loop {
                let (inbound, _) = listener.accept().await.unwrap();
                connections.spawn(forward(inbound, targets.subscribe(), flows.clone()));
            }
        });
        Self {
            address,
            target,
            flow,
            _accepting: AbortOnDropHandle::new(accepting),
        }
    }

    /// Returns a proxy to the broker for tests.
    pub async fn to_broker() -> Self {
        let proxy = Self::disconnected().await;
        proxy.forward_to_broker();
        proxy
    }

    /// Forwards to the broker for tests.
    pub fn forward_to_broker(&self) {
        let broker: Url = amqp_url_with_password().parse().unwrap();
        let host = broker.host_str().unwrap_or("localhost").to_owned();
        self.set_target(Some((host, broker.port().unwrap_or(5672))));
    }

    /// Forwards to this address.
    pub fn forward_to(&self, target: SocketAddr) {
        self.set_target(Some((target.ip().to_string(), target.port())));
    }

    /// Breaks every connection. New ones are closed at once.
    pub fn disconnect(&self) {
        self.set_target(None);
    }

    /// Sets how bytes are passed on, on all connections.
    pub fn set_flow(&self, flow: Flow) {
        self.flow.send_replace(flow);
    }

    /// Sets the target. A change breaks every connection; the same target breaks none.
    fn set_target(&self, new: Option<(String, u16)>) {
        self.target.send_if_modified(|target| {
            let is_changed = *target != new;
            *target = new;
            is_changed
        });
    }

    /// Returns the URL of the broker through this proxy, with the password, which `bus::AmqpUrl` never shows.
    pub fn broker_url(&self) -> String {
        let mut url: Url = amqp_url_with_password().parse().unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.address.port())).unwrap();
        url.to_string()
    }
}

/// Forwards a connection until either side closes it or the target changes.
async fn forward(inbound: TcpStream, mut target: watch::Receiver<Option<(String, u16)>>, flow: watch::Receiver<Flow>) {
    let current = target.borrow_and_update().clone();
    let Some((host, port)) = current else { return };
    let Ok(outbound) = TcpStream::connect((host.as_str(), port)).await else {
        return;
    };
    let ((from_client, to_client), (from_server, to_server)) = (inbound.into_split(), outbound.into_split());
    let both = async {
        tokio::try_join!(
            copy(from_client, to_server, flow.clone()),
            copy(from_server, to_client, flow)
        )
    };
    tokio::select! {
        _ = both => {}
        _ = target.changed() => {}
    }
}

/// Copies one direction of a connection until its end.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut flow: watch::Receiver<Flow>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let length = from.read(&mut buffer).await?;
        // It fails when the proxy is dropped.
        let delay = match flow.wait_for(|flow| *flow != Flow::Stalled).await.as_deref() {
            Ok(Flow::Slow(delay)) => *delay,
            Ok(Flow::Free | Flow::Stalled) => Duration::ZERO,
            Err(_) => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(buffer.get(..length).unwrap_or_default()).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a proxy to a listener, a connection through it, and the other end.
    async fn connected() -> (TcpProxy, TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = TcpProxy::disconnected().await;
        proxy.forward_to(listener.local_addr().unwrap());
        let client = TcpStream::connect(proxy.address).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        (proxy, client, server)
    }

    async fn read(stream: &mut TcpStream) -> String {
        let mut buffer = [0; 64];
        let length = stream.read(&mut buffer).await.unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[tokio::test]
    async fn a_proxy_passes_bytes_and_the_end_of_each_direction_on() {
        let (_proxy, mut client, mut server) = connected().await;
        client.write_all(b"question").await.unwrap();
        assert_eq!(read(&mut server).await, "question");
        client.shutdown().await.unwrap();
        assert_eq!(read(&mut server).await, "");
        server.write_all(b"answer").await.unwrap();
        assert_eq!(read(&mut client).await, "answer");
    }

    #[tokio::test]
    async fn a_stalled_proxy_loses_no_bytes() {
        let (proxy, mut client, mut server) = connected().await;
        proxy.set_flow(Flow::Stalled);
        client.write_all(b"late").await.unwrap();
        // Another connection to the proxy is accepted meanwhile, so the stall is not the proxy's end.
        TcpStream::connect(proxy.address).await.unwrap();
        assert_eq!(
            server.try_read(&mut [0; 1]).unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
        proxy.set_flow(Flow::Slow(Duration::from_millis(1)));
        assert_eq!(read(&mut server).await, "late");
    }

    #[tokio::test]
    async fn a_disconnected_proxy_closes_open_and_new_connections() {
        let (proxy, mut client, mut server) = connected().await;
        proxy.disconnect();
        assert_eq!(read(&mut client).await, "");
        assert_eq!(read(&mut server).await, "");
        let mut new = TcpStream::connect(proxy.address).await.unwrap();
        assert_eq!(read(&mut new).await, "");
    }
}
