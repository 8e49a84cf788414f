//! The process is killed at critical moments and started again. The order completes, and is paid once.

use serde_json::json;
use stripe_sim::{Config, Hold, Sim, Target, Timing};

use crate::{
    TcpProxy,
    stripe::{amount_charged_once, payment_intents},
    support::{StackProcess, TestData, dev_command},
    user::User,
};

const STRIPE_KEY: &str = "sk_test_crashes";

/// The environment of a stack process: its data, a proxy of the broker, and a Stripe simulator that outlives it.
struct CrashTest {
    data: TestData,
    broker: TcpProxy,
    stripe: Sim,
    stripe_server: stripe_sim::RunningSim,
}

impl CrashTest {
    async fn new() -> Self {
        let stripe = Sim::in_memory(Config::new(STRIPE_KEY)).unwrap();
        let stripe_server = stripe.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
        Self {
            data: TestData::new(),
            broker: TcpProxy::to_broker().await,
            stripe,
            stripe_server,
        }
    }

    fn start(&self) -> StackProcess {
        let mut command = dev_command(&self.data.folder());
        command
            .args(["--stripe-url", &self.stripe_server.url])
            .env("TICKETING_STRIPE_SECRET_KEY", STRIPE_KEY);
        command.env("TICKETING_AMQP_URL", self.broker.broker_url());
        StackProcess::start(command)
    }

    /// Kills the process while Stripe holds a request, and starts it again. The response never arrives.
    async fn kill_during_request(&self, process: StackProcess, hold: Hold) -> StackProcess {
        hold.wait_for_request().await;
        process.kill();
        hold.cut();
        self.start()
    }

    /// Asserts that every service reports the order as complete, and that it was charged once.
    async fn assert_paid_once(self, process: StackProcess, buyer: &User, order: &str, ticket: &str) {
        let buyer = buyer.with_url(process.url());
        let shown = buyer.wait_for_status(order, "complete").await;
        buyer.wait_for_stock(ticket, 0, 1).await;
        let path = format!("/api/v1/payments/{}", shown["paymentId"].as_str().unwrap());
        buyer.wait_for(&path, &[("/status", json!("captured"))]).await;
        assert_eq!(amount_charged_once(&self.stripe, order).await, 1999);
        assert_eq!(payment_intents(&self.stripe, order).await.len(), 1);
        process.stop();
        self.data.assert_consistent();
        self.stripe_server.shutdown().await;
    }
}

/// Places an order. Returns the buyer, the order and the ticket.
async fn place_order(process: &StackProcess) -> (User, String, String) {
    let client = process.client();
    let (seller, buyer) = (User::sign_up(&client).await, User::sign_up(&client).await);
    let ticket = seller.list_ticket(json!({})).await;
    let order = buyer.hold_tickets(&ticket, 1).await;
    (buyer, order, ticket)
}

/// Sends a payment in a task, and ignores the response: the process may be killed before.
fn start_payment(process: &StackProcess, buyer: &User, order: &str) -> tokio::task::JoinHandle<()> {
    let request = reqwest::Client::new()
        .post(format!("{}/api/v1/payments", process.url()))
        .bearer_auth(&buyer.token);
    let request = request.json(&json!({"orderId": order, "token": "tok_visa"}));
    tokio_util::task::TaskTracker::new().spawn(async move {
        let _ = request.send().await;
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_completes_after_a_crash_before_its_payment() {
    let test = CrashTest::new().await;
    let process = test.start();
    let (buyer, order, ticket) = place_order(&process).await;
    process.kill();
    let process = test.start();
    buyer.with_url(process.url()).buy(&order).await;
    test.assert_paid_once(process, &buyer, &order, &ticket).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_completes_after_a_crash_during_authorisation() {
    for when in [Timing::Before, Timing::After] {
        let test = CrashTest::new().await;
        let process = test.start();
        let (buyer, order, ticket) = place_order(&process).await;
        buyer.wait_for(&format!("/api/v1/expirations/{order}"), &[]).await;
        let hold = test.stripe.hold(Target::post("/v1/payment_intents"), when);
        let paying = start_payment(&process, &buyer, &order);
        let process = test.kill_during_request(process, hold).await;
        paying.await.unwrap();
        test.assert_paid_once(process, &buyer, &order, &ticket).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_completes_after_a_crash_before_the_authorisation_is_published() {
    let test = CrashTest::new().await;
    let process = test.start();
    let (buyer, order, ticket) = place_order(&process).await;
    buyer.wait_for(&format!("/api/v1/expirations/{order}"), &[]).await;
    buyer.wait_for_stock(&ticket, 1, 0).await;
    // The payment service has a replica of the order now. Stripe stores nothing of an unknown token.
    let _ = buyer.pay(&order, "tok_unknown").await.expect(422);
    test.broker.disconnect();
    let paid = buyer.pay(&order, "tok_visa").await.expect(201);
    assert_eq!(paid.text_at("/status"), "authorized");
    process.kill();
    test.broker.forward_to_broker();
    let process = test.start();
    test.assert_paid_once(process, &buyer, &order, &ticket).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_completes_after_a_crash_between_authorisation_and_capture() {
    for when in [Timing::Before, Timing::After] {
        let test = CrashTest::new().await;
        let process = test.start();
        let (buyer, order, ticket) = place_order(&process).await;
        let hold = test.stripe.hold(Target::post("/v1/payment_intents/*/capture"), when);
        let _ = buyer.pay(&order, "tok_visa").await.expect(201);
        let process = test.kill_during_request(process, hold).await;
        test.assert_paid_once(process, &buyer, &order, &ticket).await;
    }
}
