//! A server that may open few files. Alone in its process, because the limit is that of the process.

use std::{
    env,
    process::{Child, Command},
    time::Duration,
};

use chassis::{BoundListener, Samples, Server};
use metrics::MetricsRegistry;
use poem::endpoint::make;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The number of clients with slow bodies: more than the server has places.
const ATTACKERS: usize = 450;

/// The address that the attackers connect to.
const ATTACKED: &str = "TICKETING_TEST_ATTACKED";

/// The attackers: this program once more, with files of its own.
struct Attack(Child);

impl Drop for Attack {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn no_health_check_fails_on_a_server_with_few_files_and_many_slow_bodies() {
    let before = getrlimit(Resource::Nofile);
    let few = Rlimit {
        current: Some(512),
        maximum: before.maximum,
    };
    setrlimit(Resource::Nofile, few).unwrap();
    let listener = BoundListener::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let (addr, metrics, shutdown) = (listener.addr, MetricsRegistry::new("test"), CancellationToken::new());
    let endpoint = make(|mut request| async move {
        let read = request.take_body().into_bytes_limit(64 * 1024).await;
        read.map_or("unreadable", |_| "read")
    });
    let server = Server::new(endpoint).metrics(&metrics);
    server.serve(listener, shutdown.clone().into(), &TaskTracker::new());
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "clients_with_slow_bodies"]);
    let attack = Attack(command.env(ATTACKED, addr.to_string()).spawn().unwrap());
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    while metrics
        .text(Samples::default())
        .contains("http_server_connections_refused_total{service=\"test\",how=\"limited\"} 0")
    {
        ticks.tick().await;
    }
    for number in 0..300 {
        ticks.tick().await;
        let mut check = TcpStream::connect(addr).await.unwrap();
        check
            .write_all(b"GET /health/live HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut response = String::new();
        let read = check.read_to_string(&mut response).await;
        assert!(
            read.is_ok() && response.starts_with("HTTP/1.1 200 "),
            "check {number}: {read:?} {response}"
        );
    }
    drop(attack);
    setrlimit(Resource::Nofile, before).unwrap();
    shutdown.cancel();
}

/// Not a test: what the attackers do until they are killed. Each sends a body a byte at a time, and connects again when its
/// connection ends.
#[tokio::test]
#[ignore = "a part of no_health_check_fails_on_a_server_with_few_files_and_many_slow_bodies"]
async fn clients_with_slow_bodies() {
    #[expect(clippy::disallowed_methods, reason = "the harness takes no arguments of ours")]
    let Ok(addr) = env::var(ATTACKED) else { return };
    let mut attackers = JoinSet::new();
    for _ in 0..ATTACKERS {
        let addr = addr.clone();
        attackers.spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(100));
            loop {
                ticks.tick().await;
                let Ok(mut stream) = TcpStream::connect(&addr).await else {
                    continue;
                };
                let head = b"POST /api HTTP/1.1\r\nhost: test\r\ncontent-length: 60000\r\n\r\n";
                let mut sent = stream.write_all(head).await;
                let mut response = [0];
                while sent.is_ok() {
                    ticks.tick().await;
                    if stream.try_read(&mut response).is_ok() {
                        break;
                    }
                    sent = stream.write_all(b"x").await;
                }
            }
        });
    }
    attackers.join_all().await;
}
