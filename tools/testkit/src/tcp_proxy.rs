use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use url::Url;

use crate::broker::amqp_url_with_password;

/// A TCP proxy whose connections a test can break, and whose target it can change.
#[derive(Debug)]
pub struct TcpProxy {
    /// The address at which it listens.
    pub address: SocketAddr,
    /// The host and port to forward to; `None` while disconnected.
    target: Arc<watch::Sender<Option<(String, u16)>>>,
    _accepting: AbortOnDropHandle<()>,
}

impl TcpProxy {
    /// Returns a proxy without a target.
    pub async fn disconnected() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let target = Arc::new(watch::Sender::new(None));
        let targets = target.clone();
        let accepting = TaskTracker::new().spawn(async move {
            let connections = TaskTracker::new();
            loop {
                let (inbound, _) = listener.accept().await.unwrap();
                connections.spawn(forward(inbound, targets.subscribe()));
            }
        });
        Self {
            address,
            target,
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
async fn forward(mut inbound: TcpStream, mut target: watch::Receiver<Option<(String, u16)>>) {
    let current = target.borrow_and_update().clone();
    let Some((host, port)) = current else { return };
    let Ok(mut outbound) = TcpStream::connect((host.as_str(), port)).await else {
        return;
    };
    tokio::select! {
        _ = copy_bidirectional(&mut inbound, &mut outbound) => {}
        _ = target.changed() => {}
    }
}
