//! A deadline is moved once, while a payment is under way: the order and the expiration service with a real broker.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use chassis::Service;
use db::admin;
use events::{CancelReason, Event, Order, OrderStatus, Payment, PaymentStatus, Ticket, examples};
use expiration::Expiration;
use order::Orders;
use serde_json::json;
use testkit::{Client, RunningService, TestEnv};
use values::PaymentId;

const WINDOW: Duration = Duration::from_secs(2);
const EXTENSION: Duration = Duration::from_secs(2);

struct Shop {
    kit: TestEnv,
    orders: RunningService,
    expirations: RunningService,
    buyer: Client,
}

impl Shop {
    async fn open() -> Self {
        let kit = TestEnv::new().await;
        let orders = kit
            .start::<Orders>(order::Settings {
                order_window: WINDOW,
                payment_extension: EXTENSION,
                ..order::Settings::default()
            })
            .await;
        let expirations = kit
            .start::<Expiration>(expiration::Settings {
                order_window: WINDOW,
                ..expiration::Settings::default()
            })
            .await;
        let (_, buyer) = kit.user(&orders);
        Self {
            kit,
            orders,
            expirations,
            buyer,
        }
    }

    async fn order(&self) -> Order {
        let ticket = Ticket {
            quantity: 1,
            ..examples::ticket(self.kit.now())
        };
        self.kit.publish("ticket", Event::TicketCreated(ticket.clone())).await;
        let placed = self.buyer.post("/api/v1/orders", json!({"ticketId": ticket.id})).await;
        let id = placed.expect(201).text_at("/id");
        let created = self
            .kit
            .wait_for_event(|event| matches!(event, Event::OrderCreated(order) if order.id.to_string() == id))
            .await;
        let Event::OrderCreated(order) = created else {
            unreachable!()
        };
        order
    }

    async fn publish(&self, payment: PaymentId, order: &Order, status: PaymentStatus) {
        let payment = Payment {
            id: payment,
            version: 1,
            status,
            ..examples::payment(self.kit.now(), order)
        };
        self.kit.publish("payment", examples::payment_event(payment)).await;
    }

    async fn extended(&self, before: &Order) -> Order {
        let extended = self
            .kit
            .wait_for_event(|event| matches!(event, Event::OrderExtended(order) if order.id == before.id))
            .await;
        let Event::OrderExtended(order) = extended else {
            unreachable!()
        };
        assert_eq!(order.status, OrderStatus::Created);
        assert_eq!(order.version, before.version + 1);
        assert_eq!(order.expires_at, before.expires_at + EXTENSION);
        assert!(self.kit.now() >= before.expires_at);
        order
    }

    async fn ended(&self, before: &Order) -> Order {
        let ended = self
            .kit
            .wait_for_event(|event| matches!(event, Event::OrderCancelled(order) if order.id == before.id))
            .await;
        let Event::OrderCancelled(order) = ended else {
            unreachable!()
        };
        assert_eq!(order.cancel_reason, Some(CancelReason::Expired));
        order
    }

    async fn close(self) {
        self.orders.stop().await;
        self.expirations.stop().await;
        let orders = admin::check(&self.kit.database::<Orders>(), &Orders::SCHEMA, Orders::INVARIANTS).unwrap();
        assert_eq!(orders, []);
        let timers = admin::check(
            &self.kit.database::<Expiration>(),
            &Expiration::SCHEMA,
            Expiration::INVARIANTS,
        );
        assert_eq!(timers.unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_under_way_has_one_extension_and_no_second() {
    let shop = Shop::open().await;
    let placed = shop.order().await;
    shop.publish(PaymentId::new(shop.kit.now()), &placed, PaymentStatus::Pending)
        .await;
    let extended = shop.extended(&placed).await;
    let shown = shop
        .buyer
        .get(&format!("/api/v1/orders/{}", placed.id))
        .await
        .expect(200);
    assert_eq!(shown.text_at("/status"), "created");
    assert_eq!(shown.text_at("/expiresAt"), extended.expires_at.to_string());
    assert!(shown.text_at("/extendedAt") >= placed.expires_at.to_string());
    // Still under way, it ends.
    let ended = shop.ended(&placed).await;
    assert_eq!(ended.version, 3);
    assert!(shop.kit.now() >= extended.expires_at);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_authorised_in_the_extension_is_confirmed() {
    let shop = Shop::open().await;
    let placed = shop.order().await;
    let payment = PaymentId::new(shop.kit.now());
    shop.publish(payment, &placed, PaymentStatus::Pending).await;
    shop.extended(&placed).await;
    shop.publish(payment, &placed, PaymentStatus::Authorized).await;
    shop.kit
        .wait_for_event(
            |event| matches!(event, Event::OrderConfirmed(order) if order.id == placed.id && order.version == 3),
        )
        .await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_failed_before_the_deadline_moves_nothing() {
    let shop = Shop::open().await;
    let placed = shop.order().await;
    let payment = PaymentId::new(shop.kit.now());
    shop.publish(payment, &placed, PaymentStatus::Pending).await;
    shop.publish(payment, &placed, PaymentStatus::Failed).await;
    assert_eq!(shop.ended(&placed).await.version, 2);
    shop.close().await;
}
