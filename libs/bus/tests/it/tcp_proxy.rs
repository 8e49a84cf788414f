//! A TCP proxy to the broker whose connections can be cut.

use std::{net::SocketAddr, sync::Arc};

use bus::AmqpUrl;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::raw_broker::raw_url;

pub(crate) struct TcpProxy {
    address: SocketAddr,
    up: Arc<watch::Sender<bool>>,
    _accepting: AbortOnDropHandle<()>,
}

impl TcpProxy {
    /// Starts a proxy that forwards connections if it is `up`.
    pub(crate) async fn new(up: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let up = Arc::new(watch::Sender::new(up));
        let state = up.clone();
        let accepting = TaskTracker::new().spawn(async move {
            let connections = TaskTracker::new();
            loop {
                let (near, _) = listener.accept().await.unwrap();
                connections.spawn(forward(near, state.subscribe()));
            }
        });
        Self {
            address,
            up,
            _accepting: AbortOnDropHandle::new(accepting),
        }
    }

    pub(crate) fn url(&self) -> AmqpUrl {
        url_at(self.address).as_str().parse().unwrap()
    }

    /// Closes all connections. New ones are closed at once.
    pub(crate) fn cut(&self) {
        self.up.send_replace(false);
    }

    pub(crate) fn restore(&self) {
        self.up.send_replace(true);
    }
}

/// Starts a proxy for one connection, which replaces the bytes `from` that a client sends. Returns its URL.
pub(crate) async fn replacing_proxy(from: &'static [u8], to: &'static [u8]) -> String {
    assert_eq!(from.len(), to.len(), "a frame keeps its size");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    TaskTracker::new().spawn(async move {
        let (near, _) = listener.accept().await.unwrap();
        let (mut from_client, mut to_client) = near.into_split();
        let (mut from_broker, mut to_broker) = connect_to_broker().await.into_split();
        let sending = async {
            let mut buffer = vec![0; 65_536];
            loop {
                let count = from_client.read(&mut buffer).await?;
                if count == 0 {
                    return to_broker.shutdown().await;
                }
                let bytes = &mut buffer[..count];
                if let Some(start) = bytes.windows(from.len()).position(|window| window == from) {
                    bytes[start..start + to.len()].copy_from_slice(to);
                }
                to_broker.write_all(bytes).await?;
            }
        };
        tokio::join!(sending, copy(&mut from_broker, &mut to_client))
    });
    url_at(address).to_string()
}

/// Returns the broker's URL with another address.
fn url_at(address: SocketAddr) -> url::Url {
    let mut url = url::Url::parse(&raw_url()).unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(address.port())).unwrap();
    url
}

async fn connect_to_broker() -> TcpStream {
    let direct = url::Url::parse(&raw_url()).unwrap();
    let broker = (
        direct.host_str().unwrap_or("localhost").to_owned(),
        direct.port().unwrap_or(5672),
    );
    TcpStream::connect(broker).await.unwrap()
}

async fn forward(mut near: TcpStream, mut up: watch::Receiver<bool>) {
    if !*up.borrow() {
        return;
    }
    let mut far = connect_to_broker().await;
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = up.wait_for(|up| !up) => {}
    }
}
