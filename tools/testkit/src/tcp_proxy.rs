use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use url::Url;

use crate::broker::amqp_url_with_password;

/// A wire that can be cut, and laid to somewhere else.
#[derive(Debug)]
pub struct TcpProxy {
    /// Where it begins.
    pub address: SocketAddr,
    end: Arc<watch::Sender<Option<(String, u16)>>>,
    _accepting: AbortOnDropHandle<()>,
}

impl TcpProxy {
    /// One that leads nowhere yet.
    pub async fn disconnected() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let end = Arc::new(watch::Sender::new(None));
        let ends = end.clone();
        let accepting = TaskTracker::new().spawn(async move {
            let wires = TaskTracker::new();
            loop {
                let (near, _) = listener.accept().await.unwrap();
                wires.spawn(carry(near, ends.subscribe()));
            }
        });
        Self {
            address,
            end,
            _accepting: AbortOnDropHandle::new(accepting),
        }
    }

    /// One to the broker of the tests.
    pub async fn to_broker() -> Self {
        let wire = Self::disconnected().await;
        wire.forward_to_broker();
        wire
    }

    /// Leads to the broker of the tests, from now on.
    pub fn forward_to_broker(&self) {
        let broker: Url = amqp_url_with_password().parse().unwrap();
        let host = broker.host_str().unwrap_or("localhost").to_owned();
        self.lay(Some((host, broker.port().unwrap_or(5672))));
    }

    /// Leads there from now on.
    pub fn forward_to(&self, end: SocketAddr) {
        self.lay(Some((end.ip().to_string(), end.port())));
    }

    /// Breaks every connection; new ones break at once.
    pub fn disconnect(&self) {
        self.lay(None);
    }

    /// Where it leads already, no connection breaks.
    fn lay(&self, end: Option<(String, u16)>) {
        self.end.send_if_modified(|now| {
            let differs = *now != end;
            *now = end;
            differs
        });
    }

    /// The broker's URL by this wire, with its password, which `bus::AmqpUrl` never shows.
    pub fn broker_url(&self) -> String {
        let mut url: Url = amqp_url_with_password().parse().unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.address.port())).unwrap();
        url.to_string()
    }
}

async fn carry(mut near: TcpStream, mut end: watch::Receiver<Option<(String, u16)>>) {
    let there = end.borrow_and_update().clone();
    let Some((host, port)) = there else { return };
    let Ok(mut far) = TcpStream::connect((host.as_str(), port)).await else {
        return;
    };
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = end.changed() => {}
    }
}
