//! The running payment service, the Stripe simulator, and what buyers, sellers, Stripe and the order service do.

use std::{net::SocketAddr, time::Duration};

use events::{CancelReason, Event, Order, OrderStatus, Refund, RefundStatus, Reversal, examples};
use hmac::{Hmac, KeyInit, Mac};
use payment::{CardLimits, Payments, Settings};
use poem::http::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use stripe_sim::{Config, Sim};
use testkit::{Client, Reply, RunningService, TestEnv, eventually};
use tokio::net::TcpSocket;
use values::{Clock, Money, OrderId, PaymentId, RefundId, Timestamp, UserId};

pub(crate) const KEY: &str = "sk_test_app";
pub(crate) const PUBLISHABLE_KEY: &str = "pk_test_app";
pub(crate) const WEBHOOK_SECRET: &str = "whsec_app";

/// The timeout of a call to Stripe, unless a test has its own.
const STRIPE_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) struct TestApp {
    pub(crate) env: TestEnv,
    pub(crate) sim: Sim,
    /// `None` while Stripe is disconnected.
    stripe: Option<stripe_sim::RunningSim>,
    /// Keeps the address of a disconnected Stripe: nobody else is given it.
    reserved: Option<TcpSocket>,
    url: String,
    service: Option<RunningService>,
    /// The signing secrets that the service accepts after its next start.
    pub(crate) webhook_secrets: Vec<&'static str>,
    pub(crate) card_limits: CardLimits,
    /// The timeout of a call to Stripe after the next start of the service.
    pub(crate) stripe_timeout: Duration,
}

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::with_clock(Clock::system()).await
    }

    /// An app whose service and Stripe simulator use `clock`.
    pub(crate) async fn with_clock(clock: Clock) -> Self {
        Self::with_limits(clock, CardLimits::UNLIMITED).await
    }

    /// The same, with limits on declined cards.
    pub(crate) async fn with_limits(clock: Clock, card_limits: CardLimits) -> Self {
        let env = TestEnv::with_clock(clock.clone()).await;
        let sim = Sim::in_memory(Config {
            clock,
            ..Config::new(KEY)
        })
        .unwrap();
        let stripe = sim.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let url = stripe.url.clone();
        let mut app = Self {
            env,
            sim,
            stripe: Some(stripe),
            reserved: None,
            url,
            service: None,
            webhook_secrets: vec![WEBHOOK_SECRET],
            card_limits,
            stripe_timeout: STRIPE_TIMEOUT,
        };
        app.start().await;
        app
    }

    pub(crate) fn settings(&self) -> Settings {
        let secrets = self.webhook_secrets.join(" ");
        Settings {
            stripe_url: self.url.parse().unwrap(),
            stripe_secret_key: Some(KEY.parse().unwrap()),
            stripe_publishable_key: Some(PUBLISHABLE_KEY.to_owned()),
            stripe_webhook_secrets: (!secrets.is_empty()).then(|| secrets.parse().unwrap()),
            stripe_timeout: self.stripe_timeout,
            platform_fee: "250".parse().unwrap(),
            card_limits: self.card_limits,
        }
    }

    /// Starts the stopped service with the address of a broker that does not exist.
    pub(crate) async fn start_without_broker(&self) -> chassis::Running {
        let mut common = self.env.common();
        common.bus.url = "amqp://guest:guest@127.0.0.1:1/%2f".parse().unwrap();
        let database = self.env.database::<Payments>();
        chassis::start::<Payments>(database, common, self.settings(), self.env.clock.clone())
            .await
            .unwrap()
    }

    pub(crate) async fn start(&mut self) {
        let started = self.env.start::<Payments>(self.settings()).await;
        let client = started.client();
        // Events published before its queue exists would be lost.
        eventually("the service is connected to the broker", || async {
            let ready = client.get("/health/ready").await.json();
            (ready["checks"]["broker"] == "connected").then_some(())
        })
        .await;
        self.service = Some(started);
    }

    pub(crate) async fn stop(&mut self) {
        self.service.take().unwrap().stop().await;
    }

    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    pub(crate) fn stripe_url(&self) -> &str {
        &self.url
    }

    /// Makes Stripe unreachable.
    pub(crate) async fn disconnect_stripe(&mut self) {
        let stripe = self.stripe.take().unwrap();
        let address = stripe.address;
        stripe.shutdown().await;
        let reserved = TcpSocket::new_v4().unwrap();
        reserved.set_reuseaddr(true).unwrap();
        reserved.bind(address).unwrap();
        self.reserved = Some(reserved);
    }

    /// Makes Stripe reachable again, at the same address.
    pub(crate) async fn reconnect_stripe(&mut self) {
        let reserved = self.reserved.take().unwrap();
        let address = reserved.local_addr().unwrap();
        self.stripe = Some(self.sim.serve(address).await.unwrap());
    }

    /// A new buyer.
    pub(crate) fn buyer(&self) -> Buyer {
        let id = UserId::new(self.env.now());
        Buyer {
            id,
            token: self.env.token(id),
        }
    }

    /// The same buyer with a new access token.
    pub(crate) fn sign_in_again(&self, buyer: &Buyer) -> Buyer {
        Buyer {
            id: buyer.id,
            token: self.env.token(buyer.id),
        }
    }

    /// A client of a buyer.
    pub(crate) fn client(&self, buyer: &Buyer) -> Client {
        self.service.as_ref().unwrap().client().bearer(&buyer.token)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.service.as_ref().unwrap().address()
    }

    /// A client that is not signed in.
    pub(crate) fn anonymous(&self) -> Client {
        self.service.as_ref().unwrap().client()
    }

    /// An order that is not published yet.
    pub(crate) fn unpublished_order(&self, buyer: &Buyer, amount: i64) -> Order {
        Order {
            buyer_id: buyer.id,
            total: examples::usd(amount),
            ..examples::order(self.env.now())
        }
    }

    /// Publishes a new order of 19.99.
    pub(crate) async fn create_order(&self, buyer: &Buyer) -> Order {
        self.create_order_of(buyer, 1999).await
    }

    /// Publishes a new order.
    pub(crate) async fn create_order_of(&self, buyer: &Buyer, amount: i64) -> Order {
        let order = self.unpublished_order(buyer, amount);
        self.env.publish("order", Event::OrderCreated(order.clone())).await;
        order
    }

    /// Publishes that an order is confirmed with a payment.
    pub(crate) async fn confirm_order(&self, order: &mut Order, payment: PaymentId) {
        order.version += 1;
        order.status = OrderStatus::AwaitingPayment;
        order.payment_id = Some(payment);
        self.env.publish("order", Event::OrderConfirmed(order.clone())).await;
    }

    /// Publishes that an order is complete.
    pub(crate) async fn complete_order(&self, order: &mut Order) {
        order.version += 1;
        order.status = OrderStatus::Complete;
        self.env.publish("order", Event::OrderCompleted(order.clone())).await;
    }

    /// Publishes that an order is cancelled.
    pub(crate) async fn cancel_order(&self, order: &mut Order, reason: CancelReason) {
        order.version += 1;
        order.status = OrderStatus::Cancelled;
        order.cancel_reason = Some(reason);
        self.env.publish("order", Event::OrderCancelled(order.clone())).await;
    }

    /// Pays an order with a valid card; returns the payment.
    pub(crate) async fn authorize(&self, buyer: &Buyer, order: &Order) -> PaymentId {
        let reply = pay(&self.client(buyer), order.id, "tok_visa").await.expect(201);
        reply.text_at("/id").parse().unwrap()
    }

    /// Pays and completes a new order of 19.99.
    pub(crate) async fn complete_sale(&self, buyer: &Buyer, card: &str) -> (Order, PaymentId) {
        let mut order = self.create_order(buyer).await;
        let reply = pay(&self.client(buyer), order.id, card).await.expect(201);
        let payment = reply.text_at("/id").parse().unwrap();
        self.confirm_order(&mut order, payment).await;
        self.wait_for_status(buyer, payment, "captured").await;
        self.complete_order(&mut order).await;
        let seller = self.seller(&order);
        eventually("the sale is in the seller's balance", || async {
            let balance = seller.get("/api/v1/payments/balance").await.expect(200).json();
            (balance["currencies"][0]["net"].as_i64() > Some(0)).then_some(())
        })
        .await;
        (order, payment)
    }

    /// A client of the seller of an order.
    pub(crate) fn seller(&self, order: &Order) -> Client {
        self.anonymous().bearer(&self.env.token(order.seller_id))
    }

    /// Waits for the event that a payment of an order is authorised.
    pub(crate) async fn wait_for_authorized(&self, order: OrderId) {
        self.env
            .wait_for_event(|event| matches!(event, Event::PaymentAuthorized(published) if published.order_id == order))
            .await;
    }

    /// An approved refund of an order, not published yet.
    pub(crate) fn approved_refund(&self, order: &Order, payment: PaymentId, amount: i64) -> Refund {
        Refund {
            status: RefundStatus::Approved,
            amount: Money { amount, ..order.total },
            ..examples::refund(self.env.now(), order, payment)
        }
    }

    /// Publishes an approved refund and waits until it is paid.
    pub(crate) async fn refund(&self, order: &Order, payment: PaymentId, amount: i64) -> RefundId {
        let refund = self.approved_refund(order, payment, amount);
        self.env.publish("order", Event::RefundApproved(refund.clone())).await;
        self.wait_for_refund(refund.id).await;
        refund.id
    }

    /// Waits for the event that a refund is paid.
    pub(crate) async fn wait_for_refund(&self, refund: RefundId) -> Reversal {
        let matches = |reversal: &Reversal| reversal.refund.as_ref().is_some_and(|outcome| outcome.id == refund);
        match self
            .env
            .wait_for_event(|event| matches!(event, Event::PaymentRefunded(reversal) if matches(reversal)))
            .await
        {
            Event::PaymentRefunded(reversal) => reversal,
            other => panic!("{other:?}"),
        }
    }

    /// Waits for the event that a refund has failed; returns the reason, too.
    pub(crate) async fn wait_for_failed_refund(&self, refund: RefundId) -> (Reversal, String) {
        let matches = |reversal: &Reversal| reversal.refund.as_ref().is_some_and(|outcome| outcome.id == refund);
        match self
            .env
            .wait_for_event(|event| matches!(event, Event::PaymentRefundFailed(reversal) if matches(reversal)))
            .await
        {
            Event::PaymentRefundFailed(reversal) => {
                let reason = reversal.refund.clone().and_then(|outcome| outcome.failure).unwrap();
                (reversal, reason)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Waits until Stripe's fees are in the ledger and no call to Stripe is due.
    pub(crate) async fn wait_for_ledger(&self) {
        let database = self.env.database::<Payments>();
        let conn = rusqlite::Connection::open(database).unwrap();
        eventually("the ledger is complete", || async {
            let sql = "SELECT (SELECT count(*) FROM taking WHERE look_at IS NOT NULL OR stripe_fee IS NULL)
                + (SELECT count(*) FROM refund WHERE state IN ('asked', 'pending'))
                + (SELECT count(*) FROM missing_ledger)";
            let open: i64 = conn.query_row(sql, [], |row| row.get(0)).unwrap();
            (open == 0).then_some(())
        })
        .await;
    }

    /// All refunds at Stripe, oldest first.
    pub(crate) async fn refunds_at_stripe(&self) -> Vec<Value> {
        let list = self.stripe().get("/v1/refunds?limit=100").await.expect(200).json();
        let mut refunds = list["data"].as_array().unwrap().clone();
        refunds.reverse();
        refunds
    }

    /// Waits until a payment has a status.
    pub(crate) async fn wait_for_status(&self, buyer: &Buyer, payment: PaymentId, status: &str) -> Value {
        let (client, path) = (self.client(buyer), format!("/api/v1/payments/{payment}"));
        eventually(&format!("the payment is {status}"), || async {
            let found = client.get(&path).await.expect(200).json();
            (found["status"] == status).then_some(found)
        })
        .await
    }

    /// Waits until a missing payment is restored and has a status.
    pub(crate) async fn wait_for_restored(&self, buyer: &Buyer, payment: PaymentId, status: &str) -> Value {
        let (client, path) = (self.client(buyer), format!("/api/v1/payments/{payment}"));
        eventually(&format!("the payment is restored and {status}"), || async {
            let found = client.get(&path).await;
            (found.status.as_u16() == 200 && found.json()["status"] == status).then(|| found.json())
        })
        .await
    }

    /// How many POST requests to a path Stripe has executed; `*` matches one segment.
    pub(crate) async fn executed_posts(&self, path: &str) -> usize {
        let requests = self.sim.requests().await.unwrap();
        let matches = |requested: &str| {
            let (mut pattern, mut segments) = (path.split('/'), requested.split('/'));
            loop {
                match (pattern.next(), segments.next()) {
                    (None, None) => break true,
                    (Some(expected), Some(segment)) if expected == "*" || expected == segment => {}
                    _ => break false,
                }
            }
        };
        requests
            .iter()
            .filter(|request| request.method == "POST" && request.executed && matches(&request.path))
            .count()
    }

    /// A client of Stripe with the account's key.
    pub(crate) fn stripe(&self) -> Client {
        Client::new(&self.url)
            .bearer(KEY)
            .with("content-type", "application/x-www-form-urlencoded")
    }

    /// Starts a payment in a browser.
    pub(crate) async fn start_in_browser(&self, buyer: &Buyer, order: &Order) -> PendingPayment {
        let reply = pay_in_browser(&self.client(buyer), order.id).await.expect(201);
        PendingPayment::new(reply.json())
    }

    /// Pays an order with a card that requires authentication.
    pub(crate) async fn pay_with_authentication(&self, buyer: &Buyer, order: &Order) -> PendingPayment {
        let card = "tok_threeDSecure2Required";
        let reply = pay(&self.client(buyer), order.id, card).await.expect(201);
        PendingPayment::new(reply.json())
    }

    /// Confirms the intent with a card, as the buyer's browser does.
    pub(crate) async fn enter_card(&self, pending: &PendingPayment, card: &str) -> Reply {
        let secret = &pending.secret;
        let form = format!(
            "key={PUBLISHABLE_KEY}&client_secret={secret}&payment_method={card}&return_url=https://shop.example/paid"
        );
        let path = format!("/v1/payment_intents/{}/confirm", pending.intent());
        let browser = Client::new(&self.url).with("content-type", "application/x-www-form-urlencoded");
        browser.send(Method::POST, &path, Some(form)).await
    }

    /// The newest Stripe event of a type, as Stripe sends it.
    pub(crate) async fn latest_stripe_event(&self, kind: &str) -> String {
        let list = self.stripe().get(&format!("/v1/events?type={kind}")).await.expect(200);
        list.json()["data"][0].to_string()
    }

    /// Sends an event to the webhook, signed by Stripe.
    pub(crate) async fn send_webhook(&self, event: &str) -> Reply {
        self.send_signed_webhook(event, &sign(event, self.env.now(), WEBHOOK_SECRET))
            .await
    }

    /// Sends an event to the webhook with a signature.
    pub(crate) async fn send_signed_webhook(&self, event: &str, signature: &str) -> Reply {
        let client = self.anonymous().with("stripe-signature", signature);
        client.send(Method::POST, WEBHOOK, Some(event.to_owned())).await
    }

    /// How often an intent was retrieved from Stripe.
    pub(crate) async fn intent_reads(&self) -> usize {
        let requests = self.sim.requests().await.unwrap();
        let reads = requests
            .iter()
            .filter(|request| request.method == "GET" && request.path.starts_with("/v1/payment_intents/"));
        reads.count()
    }

    /// The captured and the authorised amount at Stripe, over all intents.
    pub(crate) async fn money(&self) -> (i64, i64) {
        let intents = self.sim.payment_intents().await.unwrap();
        let sum = |field: &str| intents.iter().map(|intent| intent[field].as_i64().unwrap()).sum();
        (sum("amount_received"), sum("amount_capturable"))
    }

    /// Checks the invariants of the database.
    pub(crate) fn check_invariants(&self) {
        use chassis::Service;
        let database = self.env.database::<Payments>();
        let findings = db::admin::check(&database, &Payments::SCHEMA, Payments::INVARIANTS).unwrap();
        assert_eq!(findings, []);
    }
}

/// A signed-in buyer.
pub(crate) struct Buyer {
    pub(crate) id: UserId,
    token: String,
}

impl Buyer {
    /// A client of a service that a test has started itself.
    pub(crate) fn client(&self, running: &chassis::Running) -> Client {
        Client::new(format!("http://{}", running.addr)).bearer(&self.token)
    }
}

/// A payment that waits for its buyer.
#[derive(Debug)]
pub(crate) struct PendingPayment {
    pub(crate) payment: PaymentId,
    /// The client secret for the buyer's browser.
    pub(crate) secret: String,
    /// The response.
    pub(crate) body: Value,
}

impl PendingPayment {
    pub(crate) fn new(body: Value) -> Self {
        let text = |field: &str| body[field].as_str().unwrap().to_owned();
        Self {
            payment: text("id").parse().unwrap(),
            secret: text("clientSecret"),
            body,
        }
    }

    pub(crate) fn intent(&self) -> &str {
        self.secret.split("_secret_").next().unwrap()
    }
}

/// Pays an order with a card.
pub(crate) async fn pay(client: &Client, order: OrderId, token: &str) -> Reply {
    client
        .post("/api/v1/payments", json!({"orderId": order, "token": token}))
        .await
}

/// Starts a payment in a browser.
pub(crate) async fn pay_in_browser(client: &Client, order: OrderId) -> Reply {
    client.post("/api/v1/payments", json!({"orderId": order})).await
}

/// Signs as Stripe does (<https://docs.stripe.com/webhooks#verify-manually>).
pub(crate) fn sign(event: &str, at: Timestamp, secret: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{}.{event}", at.seconds()).as_bytes());
    let tag = mac
        .finalize()
        .into_bytes()
        .iter()
        .fold(String::new(), |tag, byte| format!("{tag}{byte:02x}"));
    format!("t={},v1={tag}", at.seconds())
}

pub(crate) const WEBHOOK: &str = "/api/v1/payments/webhook";
pub(crate) const CREATE: &str = "/v1/payment_intents";
pub(crate) const CAPTURE: &str = "/v1/payment_intents/*/capture";
pub(crate) const REFUND: &str = "/v1/refunds";
pub(crate) const CANCEL: &str = "/v1/payment_intents/*/cancel";
