//! The broker stops and starts again during requests.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::interval,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Client,
    support::{StackProcess, TestData, dev_command, repository_root},
    user::User,
};

/// A RabbitMQ node of this test, which it can stop.
struct RabbitMqNode {
    port: u16,
    script: PathBuf,
}

impl RabbitMqNode {
    /// Starts a node. Returns `None` if RabbitMQ is not installed.
    fn start() -> Option<Self> {
        let node = Self {
            port: free_port(),
            script: repository_root().join("scripts/broker"),
        };
        if !["/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/sbin/rabbitmq-server"]
            .iter()
            .any(|path| PathBuf::from(path).exists())
        {
            println!("skipped: RabbitMQ is not installed, and the test may not stop the broker of AMQP_URL");
            return None;
        }
        node.run("start");
        Some(node)
    }

    fn run(&self, subcommand: &str) {
        let mut command = Command::new(&self.script);
        command
            .arg(subcommand)
            .env_remove("AMQP_URL")
            .env("TICKETING_BROKER_PORT", self.port.to_string());
        // The node would inherit a pipe and keep it open.
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        assert!(
            command.status().unwrap().success(),
            "{} {subcommand}",
            self.script.display()
        );
    }

    fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }
}

impl Drop for RabbitMqNode {
    fn drop(&mut self) {
        self.run("forget");
    }
}

/// Returns a free port for `scripts/broker`, which adds 20000 for its second port. Both are below the ports that the system
/// gives to connections, which would take them while the node is down.
fn free_port() -> u16 {
    let free = |port: &u16| {
        TcpListener::bind(("127.0.0.1", *port)).is_ok() && TcpListener::bind(("127.0.0.1", port + 20_000)).is_ok()
    };
    (10_000..10_500).find(free).unwrap()
}

/// The requests that one person sends one after the other.
#[derive(Debug)]
struct Round {
    began: Instant,
    took: Duration,
}

/// Reads and lists tickets until it is cancelled. Each request must succeed.
fn background_requests(client: Client, cancelled: CancellationToken) -> JoinHandle<Vec<Round>> {
    TaskTracker::new().spawn(async move {
        let (user, mut ticks) = (User::sign_up(&client).await, interval(Duration::from_millis(250)));
        let mut rounds = Vec::new();
        while cancelled.run_until_cancelled(ticks.tick()).await.is_some() {
            let began = Instant::now();
            let _ = user.client().get("/api/v1/tickets?limit=5").await.expect(200);
            let _ = user.client().get("/api/v1/orders").await.expect(200);
            let _ = user.client().get("/api/v1/payments").await.expect(200);
            let _ = user.client().get("/api/v1/auth/users/current").await.expect(200);
            user.list_ticket(json!({})).await;
            let took = began.elapsed();
            rounds.push(Round { began, took });
        }
        rounds
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_outage_of_ten_seconds_loses_nothing() {
    let Some(node) = RabbitMqNode::start() else { return };
    let data = TestData::new();
    let mut command = dev_command(&data.folder());
    command.env("TICKETING_AMQP_URL", node.url());
    let process = StackProcess::start(command);
    let client = process.client();
    let (cancelled, url) = (CancellationToken::new(), process.url().to_owned());
    let requests = background_requests(client.clone(), cancelled.clone());

    let (seller, buyer) = (User::sign_up(&client).await, User::sign_up(&client).await);
    let ticket = seller.list_ticket(json!({"quantity": 3})).await;
    let (before, expiring) = (
        buyer.hold_tickets(&ticket, 1).await,
        buyer
            .hold_tickets(&seller.list_ticket(json!({"orderWindowSeconds": 10})).await, 1)
            .await,
    );
    seller.wait_for_stock(&ticket, 1, 0).await;
    let demo = TaskTracker::new().spawn(async move { stack::demo::run(&url, Duration::from_secs(90), |_| {}).await });

    let node = spawn_blocking(move || {
        node.run("stop");
        node
    });
    let node = node.await.unwrap();
    let stopped = Instant::now();
    // Orders, cancellations and authorisations succeed during the outage.
    let during = buyer.hold_tickets(&ticket, 1).await;
    let order = buyer.hold_tickets(&ticket, 1).await;
    let _ = buyer.cancel_order(&order).await.expect(204);
    let _ = buyer.pay(&before, "tok_visa").await.expect(201);
    let mut ticks = interval(Duration::from_millis(100));
    while stopped.elapsed() < Duration::from_secs(10) {
        ticks.tick().await;
        let _ = client.get("/health").await.expect(200);
    }
    assert!(!demo.is_finished(), "the demo ended before the broker was back");
    let outage = stopped..Instant::now();
    let node = spawn_blocking(move || {
        node.run("start");
        node
    });
    let node = node.await.unwrap();

    buyer.wait_for_status(&before, "complete").await;
    buyer.buy(&during).await;
    seller.wait_for_stock(&ticket, 0, 2).await;
    assert_eq!(
        buyer.wait_for_status(&expiring, "cancelled").await["cancelReason"],
        "expired"
    );
    demo.await.unwrap().unwrap();
    cancelled.cancel();
    let rounds = requests.await.unwrap();
    assert!(rounds.len() >= 10, "{rounds:?}");
    // No request waits for the broker. Otherwise at most one round would begin in the outage, and take the rest of it.
    // On a busy machine a single round can take long.
    let during = rounds.iter().filter(|round| outage.contains(&round.began));
    let mut during: Vec<_> = during.map(|round| round.took).collect();
    during.sort_unstable();
    let median = during.get(during.len() / 2);
    assert!(
        median.is_some_and(|median| *median < Duration::from_secs(5)),
        "{rounds:?}"
    );
    process.stop();
    data.assert_databases_consistent();
    // The namespace is deleted with the node; the usual broker does not have it.
    std::fs::remove_file(data.folder().join("namespace")).unwrap();
    spawn_blocking(move || drop(node)).await.unwrap();
}
