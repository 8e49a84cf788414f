//! A server that may open no more files. Alone in its process, because the limit is that of the process.

use std::time::Duration;

use chassis::{BoundListener, Samples, Server};
use metrics::MetricsRegistry;
use poem::endpoint::make_sync;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

const CLIENTS: usize = 12;

#[tokio::test]
async fn a_server_without_files_waits_for_them_and_then_serves_everybody() {
    let listener = BoundListener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(TcpStream::connect(listener.addr).await.unwrap());
    }
    let (metrics, shutdown) = (MetricsRegistry::new("test"), CancellationToken::new());
    // Its maximum of connections is that of the limit before.
    let server = Server::new(make_sync(|_| "hello")).metrics(&metrics);
    let before = getrlimit(Resource::Nofile);
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count();
    let scarce = Rlimit {
        current: Some(u64::try_from(open + 3).unwrap()),
        maximum: before.maximum,
    };
    setrlimit(Resource::Nofile, scarce).unwrap();
    server.serve(listener, shutdown.clone().into(), &TaskTracker::new());
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    while metrics
        .text(Samples::default())
        .contains("http_server_accept_errors_total{service=\"test\"} 0")
    {
        ticks.tick().await;
    }
    setrlimit(Resource::Nofile, before).unwrap();
    for client in &mut clients {
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut response = String::new();
        client.read_to_string(&mut response).await.unwrap();
        assert!(response.ends_with("hello"), "{response}");
    }
    shutdown.cancel();
}
