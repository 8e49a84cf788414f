//! A TCP proxy to the broker whose connections can be cut.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bus::AmqpUrl;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::raw_broker::raw_url;

pub(crate) struct TcpProxy {
    address: SocketAddr,
    up: Arc<watch::Sender<bool>>,
    accepts: Arc<AtomicBool>,
    _accepting: AbortOnDropHandle<()>,
}

impl TcpProxy {
    /// Starts a proxy that forwards connections if it is `up`.
    pub(crate) async fn new(up: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let up = Arc::new(watch::Sender::new(up));
        let accepts = Arc::new(AtomicBool::new(true));
        let (state, accept) = (up.clone(), accepts.clone());
        let accepting = TaskTracker::new().spawn(async move {
            let connections = TaskTracker::new();
            loop {
                let (near, _) = listener.accept().await.unwrap();
                if accept.load(Ordering::SeqCst) {
                    connections.spawn(forward(near, state.subscribe()));
                }
            }
        });
        Self {
            address,
            up,
            accepts,
            _accepting: AbortOnDropHandle::new(accepting),
        }
    }

    pub(crate) fn url(&self) -> AmqpUrl {
        let direct = url::Url::parse(&raw_url()).unwrap();
        let mut via = direct;
        via.set_host(Some("127.0.0.1")).unwrap();
        via.set_port(Some(self.address.port())).unwrap();
        via.as_str().parse().unwrap()
    }

    /// Closes all connections. New ones are closed at once.
    pub(crate) fn cut(&self) {
        self.up.send_replace(false);
    }

    /// Closes new connections at once, and forwards the existing ones.
    pub(crate) fn refuse_new(&self) {
        self.accepts.store(false, Ordering::SeqCst);
    }

    pub(crate) fn restore(&self) {
        self.accepts.store(true, Ordering::SeqCst);
        self.up.send_replace(true);
    }
}

async fn forward(mut near: TcpStream, mut up: watch::Receiver<bool>) {
    if !*up.borrow() {
        return;
    }
    let direct = url::Url::parse(&raw_url()).unwrap();
    let broker = (
        direct.host_str().unwrap_or("localhost").to_owned(),
        direct.port().unwrap_or(5672),
    );
    let mut far = TcpStream::connect(broker).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = up.wait_for(|up| !up) => {}
    }
}
