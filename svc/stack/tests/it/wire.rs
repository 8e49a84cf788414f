//! A wire to the broker that can be cut.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use url::Url;

/// The broker's URL with its password, which `bus::AmqpUrl` never shows.
#[expect(clippy::disallowed_methods, reason = "tests have no command line")]
pub(crate) fn broker() -> Url {
    let url = std::env::var("AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".to_owned());
    url.parse().unwrap()
}

pub(crate) struct Wire {
    address: SocketAddr,
    up: Arc<watch::Sender<bool>>,
    _accepting: AbortOnDropHandle<()>,
}

impl Wire {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let up = Arc::new(watch::Sender::new(true));
        let state = up.clone();
        let accepting = TaskTracker::new().spawn(async move {
            let wires = TaskTracker::new();
            loop {
                let (near, _) = listener.accept().await.unwrap();
                wires.spawn(carry(near, state.subscribe()));
            }
        });
        Self {
            address,
            up,
            _accepting: AbortOnDropHandle::new(accepting),
        }
    }

    /// The broker at the other end.
    pub(crate) fn url(&self) -> String {
        let mut url = broker();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.address.port())).unwrap();
        url.to_string()
    }

    /// Breaks every connection; new ones break at once.
    pub(crate) fn cut(&self) {
        self.up.send_replace(false);
    }

    pub(crate) fn restore(&self) {
        self.up.send_replace(true);
    }
}

async fn carry(mut near: TcpStream, mut up: watch::Receiver<bool>) {
    if !*up.borrow() {
        return;
    }
    let broker = broker();
    let address = (
        broker.host_str().unwrap_or("localhost").to_owned(),
        broker.port().unwrap_or(5672),
    );
    let mut far = TcpStream::connect(address).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = up.wait_for(|up| !up) => {}
    }
}
