//! The process is killed, at the worst moments, and started again: the order ends complete, and is paid once.

use serde_json::json;
use stripe_sim::{Config, Hold, Sim, Target, Timing};

use crate::{
    Client, TcpProxy,
    child::{Child, dev},
    home::Home,
    person::Person,
    wrongs::{charged_once, intents},
};

const KEY: &str = "sk_test_that_outlives_the_killed";

/// A stack in a process of its own; outside of it the bank, and a wire to the broker.
struct Scene {
    home: Home,
    wire: TcpProxy,
    double: Sim,
    bank: stripe_sim::RunningSim,
}

impl Scene {
    async fn new() -> Self {
        let double = Sim::in_memory(Config::new(KEY)).unwrap();
        let bank = double.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
        Self {
            home: Home::new(),
            wire: TcpProxy::to_broker().await,
            double,
            bank,
        }
    }

    fn start(&self) -> Child {
        let mut command = dev(&self.home.data());
        command
            .args(["--stripe-url", &self.bank.url])
            .env("TICKETING_STRIPE_SECRET_KEY", KEY);
        command.env("TICKETING_AMQP_URL", self.wire.broker_url());
        Child::start(command)
    }

    /// Kills the process while the bank has a request in hand, and starts it again; the answer never arrives.
    async fn killed_while_held(&self, child: Child, hold: Hold) -> Child {
        hold.wait_for_request().await;
        child.kill();
        hold.cut();
        self.start()
    }

    /// The order is complete, everybody says so, and the money was taken once.
    async fn assert_paid_once(self, child: Child, buyer: &Person, order: &str, ticket: &str) {
        let buyer = buyer.at(&child.url);
        let shown = buyer.sees(order, "complete").await;
        buyer.counts(ticket, 0, 1).await;
        let path = format!("/api/v1/payments/{}", shown["paymentId"].as_str().unwrap());
        buyer.waits_for(&path, &[("/status", json!("captured"))]).await;
        assert_eq!(charged_once(&self.double, order).await, 1999);
        assert_eq!(intents(&self.double, order).await.len(), 1);
        child.stop();
        self.home.assert_sound();
        self.bank.shutdown().await;
    }
}

/// Somebody who holds a ticket: the buyer, the order, the ticket.
async fn an_order(child: &Child) -> (Person, String, String) {
    let at = Client::new(&child.url);
    let (seller, buyer) = (Person::sign_up(&at).await, Person::sign_up(&at).await);
    let ticket = seller.lists(json!({})).await;
    let order = buyer.holds(&ticket, 1).await;
    (buyer, order, ticket)
}

/// Begins to pay; who kills the process hears no answer.
fn begins_to_pay(child: &Child, buyer: &Person, order: &str) -> tokio::task::JoinHandle<()> {
    let request = reqwest::Client::new()
        .post(format!("{}/api/v1/payments", child.url))
        .bearer_auth(&buyer.token);
    let request = request.json(&json!({"orderId": order, "token": "tok_visa"}));
    tokio_util::task::TaskTracker::new().spawn(async move {
        let _ = request.send().await;
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_order_and_payment_it_goes_on() {
    let scene = Scene::new().await;
    let child = scene.start();
    let (buyer, order, ticket) = an_order(&child).await;
    child.kill();
    let child = scene.start();
    buyer.at(&child.url).buys(&order).await;
    scene.assert_paid_once(child, &buyer, &order, &ticket).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_the_bank_authorises_it_goes_on() {
    for when in [Timing::Before, Timing::After] {
        let scene = Scene::new().await;
        let child = scene.start();
        let (buyer, order, ticket) = an_order(&child).await;
        buyer.waits_for(&format!("/api/v1/expirations/{order}"), &[]).await;
        let hold = scene.double.hold(Target::post("/v1/payment_intents"), when);
        let paying = begins_to_pay(&child, &buyer, &order);
        let child = scene.killed_while_held(child, hold).await;
        paying.await.unwrap();
        scene.assert_paid_once(child, &buyer, &order, &ticket).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_anybody_hears_of_the_authorisation_it_goes_on() {
    let scene = Scene::new().await;
    let child = scene.start();
    let (buyer, order, ticket) = an_order(&child).await;
    buyer.waits_for(&format!("/api/v1/expirations/{order}"), &[]).await;
    buyer.counts(&ticket, 1, 0).await;
    // So the payment service has heard of the order; the bank keeps nothing of a token that it does not know.
    let _ = buyer.pays(&order, "tok_of_nobody").await.expect(422);
    scene.wire.disconnect();
    let paid = buyer.pays(&order, "tok_visa").await.expect(201);
    assert_eq!(paid.text_at("/status"), "authorized");
    child.kill();
    scene.wire.forward_to_broker();
    let child = scene.start();
    scene.assert_paid_once(child, &buyer, &order, &ticket).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_authorisation_and_capture_it_goes_on() {
    for when in [Timing::Before, Timing::After] {
        let scene = Scene::new().await;
        let child = scene.start();
        let (buyer, order, ticket) = an_order(&child).await;
        let hold = scene.double.hold(Target::post("/v1/payment_intents/*/capture"), when);
        let _ = buyer.pays(&order, "tok_visa").await.expect(201);
        let child = scene.killed_while_held(child, hold).await;
        scene.assert_paid_once(child, &buyer, &order, &ticket).await;
    }
}
