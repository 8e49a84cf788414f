use std::sync::OnceLock;

use serde_json::json;
use testkit::{Client, Reply, eventually};

use crate::{
    otlp_collector::{CollectedSpans, OtlpCollector},
    support::{StackProcess, TestData, dev_command, new_runtime},
};

const PASSWORD: &str = "correct horse battery staple";
const WRONG_PASSWORD: &str = "not the password";

/// Texts that must never be logged, apart from the tokens of a run.
const SECRETS: [&str; 6] = [
    PASSWORD,
    WRONG_PASSWORD,
    "sk_test_",
    "guest:guest",
    "ticketing_session=",
    "$argon2id$",
];

/// The telemetry of one run in which one ticket is bought.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) spans: CollectedSpans,
    /// The trace id of the request that placed the order.
    pub(crate) order_trace: String,
    /// The trace id of the request that created the payment.
    pub(crate) payment_trace: String,
    /// The text of `/metrics` of each service.
    pub(crate) metrics: Vec<String>,
    /// The status of `/metrics` at the front door.
    pub(crate) front_door_metrics: u16,
    /// The whole log at level `trace`.
    pub(crate) log: String,
    pub(crate) secrets: Vec<String>,
}

/// Returns the recording that all tests share.
pub(crate) fn recording() -> &'static Recording {
    static RECORDING: OnceLock<Recording> = OnceLock::new();
    RECORDING.get_or_init(|| new_runtime().block_on(record()))
}

async fn record() -> Recording {
    let collector = OtlpCollector::default();
    let data = TestData::new();
    let mut command = dev_command(&data.folder());
    command
        .env("TICKETING_LOG", "trace")
        .env("TICKETING_OTLP_ENDPOINT", format!("http://{}", collector.serve().await));
    let stack = StackProcess::start(command);
    let front_door = stack.client();
    let mut secrets = Vec::from(SECRETS.map(String::from));
    let (order, payment) = buy(&front_door, &mut secrets).await;
    let trace_id = |reply: &Reply| reply.headers["x-request-id"].to_str().unwrap().to_owned();
    let (order_trace, payment_trace) = (trace_id(&order), trace_id(&payment));
    eventually("all spans of the order have arrived", || async {
        let trace = collector.spans().trace(&order_trace);
        let consumers = ["ticket", "expiration", "payment"];
        let completed = "ticketing.order.completed.v1";
        consumers
            .iter()
            .all(|service| trace.find_message_span(service, "process", completed).is_some())
            .then_some(())
    })
    .await;
    let mut metrics = Vec::new();
    for url in &stack.urls[1..] {
        metrics.push(Client::new(url).get("/metrics").await.expect(200).text);
    }
    let front_door_metrics = front_door.get("/metrics").await.status.as_u16();
    stack.signal("TERM");
    let log = stack.wait().stderr;
    Recording {
        spans: collector.spans(),
        order_trace,
        payment_trace,
        metrics,
        front_door_metrics,
        log,
        secrets,
    }
}

/// Lists a ticket and buys it. Returns the responses with the order and the payment.
async fn buy(front_door: &Client, secrets: &mut Vec<String>) -> (Reply, Reply) {
    let seller = sign_up(front_door, "seller@example.com", secrets).await;
    let buyer = sign_up(front_door, "buyer@example.com", secrets).await;
    let _ = sign_in(front_door, "buyer@example.com", WRONG_PASSWORD, 401).await;
    let session = sign_in(front_door, "buyer@example.com", PASSWORD, 200).await;
    secrets.extend([session.text_at("/accessToken"), session.text_at("/refreshToken")]);
    let offer = json!({"title": "A concert", "price": {"amount": 1999, "currency": "usd"}, "quantity": 3});
    let ticket = seller.post("/api/v1/tickets", offer).await.expect(201).text_at("/id");
    let body = json!({"ticketId": ticket});
    let order = buyer.post_when_replicated("/api/v1/orders", body).await.expect(201);
    let body = json!({"orderId": order.text_at("/id"), "token": "tok_visa"});
    let payment = buyer.post_when_replicated("/api/v1/payments", body).await.expect(201);
    (order, payment)
}

async fn sign_up(front_door: &Client, email: &str, secrets: &mut Vec<String>) -> Client {
    let credentials = json!({"email": email, "password": PASSWORD});
    let session = front_door.post("/api/v1/auth/signup", credentials).await.expect(201);
    let token = session.text_at("/accessToken");
    secrets.extend([token.clone(), session.text_at("/refreshToken")]);
    front_door.clone().bearer(&token)
}

async fn sign_in(front_door: &Client, email: &str, password: &str, status: u16) -> Reply {
    let credentials = json!({"email": email, "password": password});
    front_door.post("/api/v1/auth/signin", credentials).await.expect(status)
}
