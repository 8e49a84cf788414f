//! The broker goes away under a running stack, and comes back.

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
    child::{Child, dev},
    home::{Home, repository},
    person::Person,
};

/// A broker of this test's own, which it may stop.
struct BrokerLocator {
    port: u16,
    script: PathBuf,
}

impl BrokerLocator {
    /// `None` where there is no RabbitMQ to start.
    fn start() -> Option<Self> {
        let broker = Self {
            port: free_port(),
            script: repository().join("scripts/broker"),
        };
        if !["/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/sbin/rabbitmq-server"]
            .iter()
            .any(|path| PathBuf::from(path).exists())
        {
            println!("skipped: RabbitMQ is not installed here, and the broker that AMQP_URL names is not ours to stop");
            return None;
        }
        broker.run("start");
        Some(broker)
    }

    fn run(&self, what: &str) {
        let mut command = Command::new(&self.script);
        command
            .arg(what)
            .env_remove("AMQP_URL")
            .env("TICKETING_BROKER_PORT", self.port.to_string());
        // A pipe would stay open in the broker.
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        assert!(command.status().unwrap().success(), "{} {what}", self.script.display());
    }

    fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }
}

impl Drop for BrokerLocator {
    fn drop(&mut self) {
        self.run("forget");
    }
}

/// Among those that scripts/broker takes: its second port is 20000 higher.
fn free_port() -> u16 {
    let free = |port: &u16| {
        TcpListener::bind(("127.0.0.1", *port)).is_ok() && TcpListener::bind(("127.0.0.1", port + 20_000)).is_ok()
    };
    (21_000..22_000).find(free).unwrap()
}

/// Looks, signs up and lists all the while: each must be answered as ever, and soon. Says how often it did.
fn customers(at: Client, until: CancellationToken) -> JoinHandle<u32> {
    TaskTracker::new().spawn(async move {
        let (person, mut rounds, mut ticks) = (Person::sign_up(&at).await, 0, interval(Duration::from_millis(250)));
        while until.run_until_cancelled(ticks.tick()).await.is_some() {
            let began = Instant::now();
            let _ = person.client().get("/api/v1/tickets?limit=5").await.expect(200);
            let _ = person.client().get("/api/v1/orders").await.expect(200);
            let _ = person.client().get("/api/v1/payments").await.expect(200);
            let _ = person.client().get("/api/v1/auth/users/current").await.expect(200);
            person.lists(json!({})).await;
            assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
            rounds += 1;
        }
        rounds
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_stopped_for_ten_seconds_under_a_running_demo_loses_nothing() {
    let Some(broker) = BrokerLocator::start() else { return };
    let home = Home::new();
    let mut command = dev(&home.data());
    command.env("TICKETING_AMQP_URL", broker.url());
    let child = Child::start(command);
    let at = Client::new(&child.url);
    let (over, url) = (CancellationToken::new(), child.url.clone());
    let customers = customers(at.clone(), over.clone());

    let (ada, bert) = (Person::sign_up(&at).await, Person::sign_up(&at).await);
    let ticket = ada.lists(json!({"quantity": 3})).await;
    let (before, ending) = (
        bert.holds(&ticket, 1).await,
        bert.holds(&ada.lists(json!({"orderWindowSeconds": 10})).await, 1).await,
    );
    ada.counts(&ticket, 1, 0).await;
    let demo = TaskTracker::new().spawn(async move { stack::demo::run(&url, Duration::from_secs(90), |_| {}).await });

    let broker = spawn_blocking(move || {
        broker.run("stop");
        broker
    });
    let broker = broker.await.unwrap();
    let stopped = Instant::now();
    // What is done meanwhile is done: ordered, cancelled, authorised.
    let meanwhile = bert.holds(&ticket, 1).await;
    let cancelled = bert.holds(&ticket, 1).await;
    let _ = bert.cancels(&cancelled).await.expect(204);
    let _ = bert.pays(&before, "tok_visa").await.expect(201);
    let mut looks = interval(Duration::from_millis(100));
    while stopped.elapsed() < Duration::from_secs(10) {
        looks.tick().await;
        let _ = at.get("/health").await.expect(200);
    }
    assert!(!demo.is_finished(), "it was under way");
    let broker = spawn_blocking(move || {
        broker.run("start");
        broker
    });
    let broker = broker.await.unwrap();

    bert.sees(&before, "complete").await;
    bert.buys(&meanwhile).await;
    ada.counts(&ticket, 0, 2).await;
    assert_eq!(bert.sees(&ending, "cancelled").await["cancelReason"], "expired");
    demo.await.unwrap().unwrap();
    over.cancel();
    assert!(customers.await.unwrap() >= 10);
    child.stop();
    let none: [String; 0] = [];
    assert_eq!(stack::check(&home.data()).unwrap(), none);
    // Its names went with it: there is nothing to be deleted from the usual broker.
    std::fs::remove_file(home.data().join("namespace")).unwrap();
    spawn_blocking(move || drop(broker)).await.unwrap();
}
