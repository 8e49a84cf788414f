//! A payment in progress extends the deadline of an order once. The order and the expiration service run.

use std::time::Duration;

use events::{CancelReason, Event, Order, OrderStatus, Payment, PaymentStatus, Ticket, examples};
use expiration::Expiration;
use order::Orders;
use serde_json::json;
use testkit::{Client, RunningService, TestEnv};
use values::PaymentId;

const WINDOW: Duration = Duration::from_secs(5);
const EXTENSION: Duration = Duration::from_secs(5);

struct TestApp {
    env: TestEnv,
    orders: RunningService,
    expirations: RunningService,
    buyer: Client,
}

impl TestApp {
    async fn start() -> Self {
        let env = TestEnv::new().await;
        let orders = env
            .start::<Orders>(order::Settings {
                order_window: WINDOW,
                payment_extension: EXTENSION,
                ..order::Settings::default()
            })
            .await;
        let expirations = env
            .start::<Expiration>(expiration::Settings {
                order_window: WINDOW,
                ..expiration::Settings::default()
            })
            .await;
        let (_, buyer) = env.user(&orders);
        Self {
            env,
            orders,
            expirations,
            buyer,
        }
    }

    /// Publishes a listing, and places an order.
    async fn place_order(&self) -> Order {
        let ticket = Ticket {
            quantity: 1,
            ..examples::ticket(self.env.now())
        };
        self.env.publish("ticket", Event::TicketCreated(ticket.clone())).await;
        let placed = self.buyer.post("/api/v1/orders", json!({"ticketId": ticket.id})).await;
        let id = placed.expect(201).text_at("/id");
        let created = self
            .env
            .wait_for_event(|event| matches!(event, Event::OrderCreated(order) if order.id.to_string() == id))
            .await;
        let Event::OrderCreated(order) = created else {
            unreachable!()
        };
        order
    }

    /// Publishes an event with this status of a payment.
    async fn publish_payment(&self, payment: PaymentId, order: &Order, status: PaymentStatus) {
        let payment = Payment {
            id: payment,
            version: 1,
            status,
            ..examples::payment(self.env.now(), order)
        };
        self.env.publish("payment", examples::payment_event(payment)).await;
    }

    /// Waits for the extension of an order, and returns the order.
    async fn wait_for_extension(&self, before: &Order) -> Order {
        let extended = self
            .env
            .wait_for_event(|event| matches!(event, Event::OrderExtended(order) if order.id == before.id))
            .await;
        let Event::OrderExtended(order) = extended else {
            unreachable!()
        };
        assert_eq!(order.status, OrderStatus::Created);
        assert_eq!(order.version, before.version + 1);
        assert_eq!(order.expires_at, before.expires_at + EXTENSION);
        assert!(self.env.now() >= before.expires_at);
        order
    }

    /// Waits for the expiry of an order, and returns the order.
    async fn wait_for_expiry(&self, before: &Order) -> Order {
        let ended = self
            .env
            .wait_for_event(|event| matches!(event, Event::OrderCancelled(order) if order.id == before.id))
            .await;
        let Event::OrderCancelled(order) = ended else {
            unreachable!()
        };
        assert_eq!(order.cancel_reason, Some(CancelReason::Expired));
        order
    }

    /// Stops the services, and asserts that their databases violate no invariant.
    async fn stop(self) {
        self.orders.stop().await;
        self.expirations.stop().await;
        let none: [String; 0] = [];
        assert_eq!(self.env.check_database::<Orders>(), none);
        assert_eq!(self.env.check_database::<Expiration>(), none);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_in_progress_extends_the_deadline_only_once() {
    let app = TestApp::start().await;
    let placed = app.place_order().await;
    app.publish_payment(PaymentId::new(app.env.now()), &placed, PaymentStatus::Pending)
        .await;
    let extended = app.wait_for_extension(&placed).await;
    let shown = app
        .buyer
        .get(&format!("/api/v1/orders/{}", placed.id))
        .await
        .expect(200);
    assert_eq!(shown.text_at("/status"), "created");
    assert_eq!(shown.text_at("/expiresAt"), extended.expires_at.to_string());
    assert!(shown.text_at("/extendedAt") >= placed.expires_at.to_string());
    // The payment is still in progress, and the order expires.
    let expired = app.wait_for_expiry(&placed).await;
    assert_eq!(expired.version, 3);
    assert!(app.env.now() >= extended.expires_at);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_authorised_during_the_extension_confirms_the_order() {
    let app = TestApp::start().await;
    let placed = app.place_order().await;
    let payment = PaymentId::new(app.env.now());
    app.publish_payment(payment, &placed, PaymentStatus::Pending).await;
    app.wait_for_extension(&placed).await;
    app.publish_payment(payment, &placed, PaymentStatus::Authorized).await;
    app.env
        .wait_for_event(
            |event| matches!(event, Event::OrderConfirmed(order) if order.id == placed.id && order.version == 3),
        )
        .await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_failed_before_the_deadline_does_not_extend_it() {
    let app = TestApp::start().await;
    let placed = app.place_order().await;
    let payment = PaymentId::new(app.env.now());
    app.publish_payment(payment, &placed, PaymentStatus::Pending).await;
    app.publish_payment(payment, &placed, PaymentStatus::Failed).await;
    assert_eq!(app.wait_for_expiry(&placed).await.version, 2);
    app.stop().await;
}
