//! A payment service at work, and the orders of its buyers.

use std::time::Duration;

use events::{CancelReason, Event, Order, OrderStatus, Reversal};
use hmac::{Hmac, KeyInit, Mac};
use payment::{Payments, Settings};
use poem::http::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use stripe_sim::{Config, Sim};
use testkit::{Client, Reply, RunningService, TestEnv, eventually};
use values::{Clock, Money, OrderId, PaymentId, RefundId, TicketId, Timestamp, UserId};

pub(crate) const KEY: &str = "sk_test_till";
pub(crate) const PUBLISHABLE_KEY: &str = "pk_test_till";
pub(crate) const WEBHOOK_SECRET: &str = "whsec_till";

/// How long Stripe may take in these tests.
pub(crate) const STRIPE_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) struct Till {
    pub(crate) kit: TestEnv,
    pub(crate) sim: Sim,
    /// `None` while Stripe cannot be reached.
    stripe: Option<stripe_sim::RunningSim>,
    url: String,
    service: Option<RunningService>,
    /// What the service believes that Stripe signs with.
    pub(crate) webhook_secrets: Vec<&'static str>,
}

impl Till {
    pub(crate) async fn open() -> Self {
        Self::open_at(Clock::system()).await
    }

    /// With a clock that Stripe goes by, too.
    pub(crate) async fn open_at(clock: Clock) -> Self {
        let kit = TestEnv::with_clock(clock.clone()).await;
        let sim = Sim::in_memory(Config {
            clock,
            ..Config::new(KEY)
        })
        .unwrap();
        let stripe = sim.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
        let url = stripe.url.clone();
        let mut till = Self {
            kit,
            sim,
            stripe: Some(stripe),
            url,
            service: None,
            webhook_secrets: vec![WEBHOOK_SECRET],
        };
        till.start().await;
        till
    }

    pub(crate) async fn start(&mut self) {
        let settings = Settings {
            stripe_url: self.url.parse().unwrap(),
            stripe_secret_key: Some(KEY.parse().unwrap()),
            stripe_publishable_key: Some(PUBLISHABLE_KEY.to_owned()),
            stripe_webhook_secrets: Some(self.webhook_secrets.join(" ").parse().unwrap()),
            stripe_timeout: STRIPE_TIMEOUT,
            platform_fee: "250".parse().unwrap(),
        };
        let started = self.kit.start::<Payments>(settings).await;
        let client = started.client();
        // What is said before its queue is there, it would not hear.
        eventually("the service has joined the broker", || async {
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

    /// Nobody listens where Stripe was.
    pub(crate) async fn lose_stripe(&mut self) {
        self.stripe.take().unwrap().shutdown().await;
    }

    pub(crate) async fn find_stripe(&mut self) {
        let address = self.url.trim_start_matches("http://").parse().unwrap();
        self.stripe = Some(self.sim.serve(address).await.unwrap());
    }

    /// Somebody new.
    pub(crate) fn buyer(&self) -> Buyer {
        let user = UserId::new(self.kit.now());
        Buyer {
            user,
            token: self.kit.token(user),
        }
    }

    pub(crate) fn client(&self, buyer: &Buyer) -> Client {
        self.service.as_ref().unwrap().client().bearer(&buyer.token)
    }

    pub(crate) fn nobody(&self) -> Client {
        self.service.as_ref().unwrap().client()
    }

    /// An order that nobody has heard of yet.
    pub(crate) fn unheard_order(&self, buyer: &Buyer, amount: i64) -> Order {
        let now = self.kit.now();
        Order {
            id: OrderId::new(now),
            version: 1,
            status: OrderStatus::Created,
            cancel_reason: None,
            buyer_id: buyer.user,
            seller_id: UserId::new(now),
            ticket_id: TicketId::new(now),
            quantity: 1,
            total: Money {
                amount,
                currency: "usd".parse().unwrap(),
            },
            expires_at: now + Duration::from_mins(15),
            payment_id: None,
            after_sale: None,
            record: None,
        }
    }

    /// An order of 19.99, announced.
    pub(crate) async fn order(&self, buyer: &Buyer) -> Order {
        self.order_of(buyer, 1999).await
    }

    /// An order that costs so much, announced.
    pub(crate) async fn order_of(&self, buyer: &Buyer, amount: i64) -> Order {
        let order = self.unheard_order(buyer, amount);
        self.kit.publish("order", Event::OrderCreated(order.clone())).await;
        order
    }

    /// The order service confirms an order with a payment.
    pub(crate) async fn confirm(&self, order: &mut Order, payment: PaymentId) {
        order.version += 1;
        order.status = OrderStatus::AwaitingPayment;
        order.payment_id = Some(payment);
        self.kit.publish("order", Event::OrderConfirmed(order.clone())).await;
    }

    /// The order service completes an order.
    pub(crate) async fn complete(&self, order: &mut Order) {
        order.version += 1;
        order.status = OrderStatus::Complete;
        self.kit.publish("order", Event::OrderCompleted(order.clone())).await;
    }

    /// The order service cancels an order.
    pub(crate) async fn cancel(&self, order: &mut Order, reason: CancelReason) {
        order.version += 1;
        order.status = OrderStatus::Cancelled;
        order.cancel_reason = Some(reason);
        self.kit.publish("order", Event::OrderCancelled(order.clone())).await;
    }

    /// Pays an order with a card that is fine, and says with which payment.
    pub(crate) async fn paid(&self, buyer: &Buyer, order: &Order) -> PaymentId {
        let reply = pay(&self.client(buyer), order.id, "tok_visa").await.expect(201);
        reply.text_at("/id").parse().unwrap()
    }

    /// A buyer pays an order of 19.99 with a card, and it is complete.
    pub(crate) async fn sale(&self, buyer: &Buyer, card: &str) -> (Order, PaymentId) {
        let mut order = self.order(buyer).await;
        let reply = pay(&self.client(buyer), order.id, card).await.expect(201);
        let payment = reply.text_at("/id").parse().unwrap();
        self.confirm(&mut order, payment).await;
        self.settled(buyer, payment, "captured").await;
        self.complete(&mut order).await;
        let sold = self.seller(&order);
        eventually("the sale is the seller's", || async {
            let found = sold.get("/api/v1/payments/balance").await.expect(200).json();
            (found["currencies"][0]["net"].as_i64() > Some(0)).then_some(())
        })
        .await;
        (order, payment)
    }

    /// Who sells an order.
    pub(crate) fn seller(&self, order: &Order) -> Client {
        self.nobody().bearer(&self.kit.token(order.seller_id))
    }

    /// A refund of an order, as the order service approves it.
    pub(crate) fn approved(&self, order: &Order, payment: PaymentId, amount: i64) -> events::Refund {
        let now = self.kit.now();
        events::Refund {
            id: RefundId::new(now),
            version: 1,
            status: events::RefundStatus::Approved,
            order_id: order.id,
            payment_id: payment,
            buyer_id: order.buyer_id,
            seller_id: order.seller_id,
            ticket_id: order.ticket_id,
            quantity: 1,
            amount: Money { amount, ..order.total },
            asked_by: events::AskedBy::Seller,
            reason: None,
            failure: None,
            returned: false,
            payment_version: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// The order service approves a refund, and it is paid. Says which.
    pub(crate) async fn refund(&self, order: &Order, payment: PaymentId, amount: i64) -> RefundId {
        let refund = self.approved(order, payment, amount);
        self.kit.publish("order", Event::RefundApproved(refund.clone())).await;
        self.refunded(refund.id).await;
        refund.id
    }

    /// Waits until it is said that a refund is paid, and says how the payment stands then.
    pub(crate) async fn refunded(&self, refund: RefundId) -> Reversal {
        let is = |said: &Reversal| said.refund.as_ref().is_some_and(|answer| answer.id == refund);
        match self
            .kit
            .wait_for_event(|event| matches!(event, Event::PaymentRefunded(said) if is(said)))
            .await
        {
            Event::PaymentRefunded(said) => said,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until it is said that a refund has failed, and why.
    pub(crate) async fn refund_failed(&self, refund: RefundId) -> (Reversal, String) {
        let is = |said: &Reversal| said.refund.as_ref().is_some_and(|answer| answer.id == refund);
        match self
            .kit
            .wait_for_event(|event| matches!(event, Event::PaymentRefundFailed(said) if is(said)))
            .await
        {
            Event::PaymentRefundFailed(said) => {
                let why = said.refund.clone().and_then(|answer| answer.failure).unwrap();
                (said, why)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Waits until Stripe's fees are in the books, and nothing more is to be asked.
    pub(crate) async fn books_are_whole(&self) {
        let database = self.kit.database::<Payments>();
        let conn = rusqlite::Connection::open(database).unwrap();
        eventually("the books are whole", || async {
            let sql = "SELECT (SELECT count(*) FROM taking WHERE look_at IS NOT NULL OR stripe_fee IS NULL)
                + (SELECT count(*) FROM refund WHERE state IN ('asked', 'pending'))";
            let open: i64 = conn.query_row(sql, [], |row| row.get(0)).unwrap();
            (open == 0).then_some(())
        })
        .await;
    }

    /// Stripe's refunds of all payments, the oldest first.
    pub(crate) async fn refunds_at_stripe(&self) -> Vec<Value> {
        let list = self.stripe().get("/v1/refunds?limit=100").await.expect(200).json();
        let mut refunds = list["data"].as_array().unwrap().clone();
        refunds.reverse();
        refunds
    }

    /// Waits until a payment stands so.
    pub(crate) async fn settled(&self, buyer: &Buyer, payment: PaymentId, status: &str) -> Value {
        let (client, path) = (self.client(buyer), format!("/api/v1/payments/{payment}"));
        eventually(&format!("the payment is {status}"), || async {
            let found = client.get(&path).await.expect(200).json();
            (found["status"] == status).then_some(found)
        })
        .await
    }

    /// Waits until a payment that may not be there yet stands so.
    pub(crate) async fn remembered(&self, buyer: &Buyer, payment: PaymentId, status: &str) -> Value {
        let (client, path) = (self.client(buyer), format!("/api/v1/payments/{payment}"));
        eventually(&format!("the payment is back, and {status}"), || async {
            let found = client.get(&path).await;
            (found.status.as_u16() == 200 && found.json()["status"] == status).then(|| found.json())
        })
        .await
    }

    /// How often Stripe has done what was asked of it there.
    pub(crate) async fn done(&self, path: &str) -> usize {
        let requests = self.sim.requests().await.unwrap();
        let fits = |asked: &str| {
            let (mut ours, mut theirs) = (path.split('/'), asked.split('/'));
            loop {
                match (ours.next(), theirs.next()) {
                    (None, None) => break true,
                    (Some(our), Some(their)) if our == "*" || our == their => {}
                    _ => break false,
                }
            }
        };
        requests
            .iter()
            .filter(|request| request.method == "POST" && request.executed && fits(&request.path))
            .count()
    }

    /// Somebody who speaks to Stripe with the account's key.
    pub(crate) fn stripe(&self) -> Client {
        Client::new(&self.url)
            .bearer(KEY)
            .with("content-type", "application/x-www-form-urlencoded")
    }

    /// A buyer begins to pay an order in a browser.
    pub(crate) async fn opened(&self, buyer: &Buyer, order: &Order) -> Waiting {
        let reply = pay_in_browser(&self.client(buyer), order.id).await.expect(201);
        Waiting::of(reply.json())
    }

    /// A buyer pays an order with a card whose bank asks.
    pub(crate) async fn asked(&self, buyer: &Buyer, order: &Order) -> Waiting {
        let card = "tok_threeDSecure2Required";
        let reply = pay(&self.client(buyer), order.id, card).await.expect(201);
        Waiting::of(reply.json())
    }

    /// What the buyer's browser does: it confirms the intent with a card.
    pub(crate) async fn show_card(&self, waiting: &Waiting, card: &str) -> Reply {
        let secret = &waiting.secret;
        let form = format!(
            "key={PUBLISHABLE_KEY}&client_secret={secret}&payment_method={card}&return_url=https://shop.example/paid"
        );
        let path = format!("/v1/payment_intents/{}/confirm", waiting.intent());
        let browser = Client::new(&self.url).with("content-type", "application/x-www-form-urlencoded");
        browser.send(Method::POST, &path, Some(form)).await
    }

    /// The newest event of a type, as Stripe would send it.
    pub(crate) async fn event(&self, kind: &str) -> String {
        let list = self.stripe().get(&format!("/v1/events?type={kind}")).await.expect(200);
        list.json()["data"][0].to_string()
    }

    /// Stripe tells of an event.
    pub(crate) async fn tell(&self, event: &str) -> Reply {
        self.tell_signed(event, &sign(event, self.kit.now(), WEBHOOK_SECRET))
            .await
    }

    /// Somebody tells of an event.
    pub(crate) async fn tell_signed(&self, event: &str, signature: &str) -> Reply {
        let teller = self.nobody().with("stripe-signature", signature);
        teller.send(Method::POST, WEBHOOK, Some(event.to_owned())).await
    }

    /// How often Stripe was asked how an intent is.
    pub(crate) async fn looked(&self) -> usize {
        let requests = self.sim.requests().await.unwrap();
        let looks = requests
            .iter()
            .filter(|request| request.method == "GET" && request.path.starts_with("/v1/payment_intents/"));
        looks.count()
    }

    /// What Stripe has taken and what it has set aside, over all intents.
    pub(crate) async fn money(&self) -> (i64, i64) {
        let intents = self.sim.payment_intents().await.unwrap();
        let sum = |field: &str| intents.iter().map(|intent| intent[field].as_i64().unwrap()).sum();
        (sum("amount_received"), sum("amount_capturable"))
    }

    /// Everything that must be true of the database is.
    pub(crate) fn check(&self) {
        use chassis::Service;
        let database = self.kit.database::<Payments>();
        let findings = db::admin::check(&database, &Payments::SCHEMA, Payments::INVARIANTS).unwrap();
        assert_eq!(findings, []);
    }
}

pub(crate) struct Buyer {
    pub(crate) user: UserId,
    token: String,
}

/// A payment that waits for its buyer.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) payment: PaymentId,
    /// What the buyer's browser goes on with.
    pub(crate) secret: String,
    pub(crate) shown: Value,
}

impl Waiting {
    pub(crate) fn of(shown: Value) -> Self {
        let text = |field: &str| shown[field].as_str().unwrap().to_owned();
        Self {
            payment: text("id").parse().unwrap(),
            secret: text("clientSecret"),
            shown,
        }
    }

    pub(crate) fn intent(&self) -> &str {
        self.secret.split("_secret_").next().unwrap()
    }
}

pub(crate) async fn pay(client: &Client, order: OrderId, token: &str) -> Reply {
    client
        .post("/api/v1/payments", json!({"orderId": order, "token": token}))
        .await
}

/// Starts to pay an order in a browser.
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
