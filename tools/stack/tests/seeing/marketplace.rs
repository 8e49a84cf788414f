//! A marketplace in which somebody buys a ticket, and what was seen of it.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Client, Reply, amqp_url, eventually};

use crate::collector::{Collected, Collector};

const PASSWORD: &str = "correct horse battery staple";
const WRONG: &str = "not the password";

/// What was seen.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) spans: Collected,
    /// The trace that the order began with.
    pub(crate) order_trace: String,
    /// The trace of the request that paid.
    pub(crate) payment_trace: String,
    /// What each service told.
    pub(crate) metrics: Vec<String>,
    /// The status of `/metrics` at the front door.
    pub(crate) front_door_metrics: u16,
    /// The whole log, at its most talkative.
    pub(crate) log: String,
    /// What must be in no log.
    pub(crate) secrets: Vec<String>,
}

/// What was seen: bought once, for all tests.
pub(crate) fn seen() -> &'static Seen {
    static SEEN: OnceLock<Seen> = OnceLock::new();
    SEEN.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(see())
    })
}

async fn see() -> Seen {
    let collector = Collector::default();
    let stack = Running::start(&format!("http://{}", collector.listen().await));
    let front_door = Client::new(&stack.urls[0]);
    let mut secrets = Vec::new();
    let (placed, paid) = buy(&front_door, &mut secrets).await;
    let trace_of = |reply: &Reply| reply.headers["x-request-id"].to_str().unwrap().to_owned();
    let (order_trace, payment_trace) = (trace_of(&placed), trace_of(&paid));
    eventually("all spans of the order have come", || async {
        let spans = collector.collected().of(&order_trace);
        let ends = ["ticket", "expiration", "payment"];
        let completed = "ticketing.order.completed.v1";
        let over = ends
            .iter()
            .all(|service| spans.try_find(service, "process", completed).is_some());
        over.then_some(())
    })
    .await;
    let mut metrics = Vec::new();
    for url in &stack.urls[1..] {
        metrics.push(Client::new(url).get("/metrics").await.expect(200).text);
    }
    let front_door_metrics = front_door.get("/metrics").await.status.as_u16();
    let log = stack.stop().await;
    let always = [
        PASSWORD,
        WRONG,
        "sk_test_",
        "guest:guest",
        "ticketing_session=",
        "$argon2id$",
    ];
    secrets.extend(always.map(String::from));
    Seen {
        spans: collector.collected(),
        order_trace,
        payment_trace,
        metrics,
        front_door_metrics,
        log,
        secrets,
    }
}

/// Somebody sells a ticket to somebody else: how the order was answered, and the payment.
async fn buy(front_door: &Client, secrets: &mut Vec<String>) -> (Reply, Reply) {
    let seller = sign_up(front_door, "seller@example.com", secrets).await;
    let buyer = sign_up(front_door, "buyer@example.com", secrets).await;
    let _ = sign_in(front_door, "buyer@example.com", WRONG, 401).await;
    let granted = sign_in(front_door, "buyer@example.com", PASSWORD, 200).await;
    secrets.extend([granted.text_at("/accessToken"), granted.text_at("/refreshToken")]);
    let offer = json!({"title": "A concert", "price": {"amount": 1999, "currency": "usd"}, "quantity": 3});
    let ticket = seller.post("/api/v1/tickets", offer).await.expect(201).text_at("/id");
    let placed = as_soon_as_known(&buyer, "/api/v1/orders", json!({"ticketId": ticket})).await;
    let payment = json!({"orderId": placed.text_at("/id"), "token": "tok_visa"});
    let paid = as_soon_as_known(&buyer, "/api/v1/payments", payment).await;
    (placed, paid)
}

async fn as_soon_as_known(buyer: &Client, path: &str, body: Value) -> Reply {
    eventually("what was just made is known", || async {
        let reply = buyer.post(path, body.clone()).await;
        (reply.status == 201).then_some(reply)
    })
    .await
}

/// The real binary.
struct Running {
    process: Child,
    home: TempDir,
    log: thread::JoinHandle<String>,
    /// The front door, then the services.
    urls: Vec<String>,
}

impl Running {
    fn start(collector: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_stack"))
            .args(["dev", "--data"])
            .arg(home.path().join("data"))
            .env("TICKETING_PORT", "0")
            .env("TICKETING_LOG", "trace")
            .env("TICKETING_OTLP_ENDPOINT", collector)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut errors = process.stderr.take().unwrap();
        let log = thread::spawn(move || {
            let mut log = Vec::new();
            errors.read_to_end(&mut log).unwrap();
            String::from_utf8_lossy(&log).into_owned()
        });
        let urls = urls(&mut process);
        Self {
            process,
            home,
            log,
            urls,
        }
    }

    /// Stops it as SIGTERM does, and says what it has logged.
    async fn stop(mut self) -> String {
        let id = self.process.id().to_string();
        let told = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(told.unwrap().success());
        self.process.wait().unwrap();
        let namespace = fs::read_to_string(self.home.path().join("data/namespace")).unwrap();
        stack::delete_namespace(&amqp_url(), &namespace.parse().unwrap())
            .await
            .unwrap();
        self.log.join().unwrap()
    }
}

/// The front door, then the services.
fn urls(stack: &mut Child) -> Vec<String> {
    let board = BufReader::new(stack.stdout.take().unwrap());
    let lines = board
        .lines()
        .map(Result::unwrap)
        .take_while(|line| !line.starts_with('╰'));
    let named = |line: String| {
        let words: Vec<_> = line.split_whitespace().map(ToOwned::to_owned).collect();
        let known = ["front", "auth", "ticket", "order", "expiration", "payment"];
        let url = words.iter().find(|word| word.starts_with("http://"))?;
        known
            .contains(&words.get(1)?.as_str())
            .then(|| url.trim_end_matches("/docs").to_owned())
    };
    let urls: Vec<_> = lines.filter_map(named).collect();
    assert_eq!(urls.len(), 6, "{urls:?}");
    urls
}

async fn sign_up(front_door: &Client, email: &str, secrets: &mut Vec<String>) -> Client {
    let credentials = json!({"email": email, "password": PASSWORD});
    let granted = front_door.post("/api/v1/auth/signup", credentials).await.expect(201);
    let token = granted.text_at("/accessToken");
    secrets.extend([token.clone(), granted.text_at("/refreshToken")]);
    front_door.clone().bearer(&token)
}

async fn sign_in(front_door: &Client, email: &str, password: &str, status: u16) -> Reply {
    let credentials = json!({"email": email, "password": password});
    front_door.post("/api/v1/auth/signin", credentials).await.expect(status)
}
