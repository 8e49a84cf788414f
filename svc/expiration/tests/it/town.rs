//! What the tests say and hear.

use std::time::Duration;

use events::{CancelReason, Event, Order, OrderStatus, examples};
use expiration::{Expiration, Settings};
use testkit::{RunningService, TestEnv, eventually};
use values::UserId;

/// The service as usual, connected to the broker. It sweeps once, at its start, and then not within a test.
pub(crate) async fn on_the_ladder(kit: &TestEnv) -> RunningService {
    connected(
        kit,
        Settings {
            sweep: expiration::SweepSettings {
                interval: Duration::from_hours(1),
            },
            ..Settings::default()
        },
    )
    .await
}

/// The service, connected to the broker: from then on nothing that is said is lost.
pub(crate) async fn connected(kit: &TestEnv, settings: Settings) -> RunningService {
    let started = kit.start::<Expiration>(settings).await;
    let client = started.client();
    eventually("the service is connected", async || {
        (client.get("/health/ready").await.text_at("/checks/broker") == "connected").then_some(())
    })
    .await;
    started
}

/// An order of `buyer`, placed now and to be paid within `window`.
pub(crate) fn order(kit: &TestEnv, buyer: UserId, window: Duration) -> Order {
    let now = kit.now();
    Order {
        buyer_id: buyer,
        expires_at: now + window,
        ..examples::order(now)
    }
}

/// What the order service says when it ends `order`, or confirms it.
pub(crate) fn then(order: &Order, status: OrderStatus, reason: Option<CancelReason>) -> Event {
    examples::order_event(Order {
        version: order.version + 1,
        status,
        cancel_reason: reason,
        ..order.clone()
    })
}

pub(crate) async fn place(kit: &TestEnv, order: &Order) {
    kit.publish("order", Event::OrderCreated(order.clone())).await;
}

pub(crate) async fn hear_it_expire(kit: &TestEnv, order: &Order) {
    let id = order.id;
    let event = kit
        .wait_for_event(|event| event.as_expiration().is_some_and(|said| said.order_id == id))
        .await;
    let said = event.as_expiration().unwrap();
    assert_eq!((said.deadline, said.version), (order.expires_at, order.version));
}

/// How often it was said so far that an order's deadline has passed.
pub(crate) fn times_expired(kit: &TestEnv, order: &Order) -> usize {
    let said = kit.published_events().into_iter();
    said.filter(|event| event.as_expiration().is_some_and(|said| said.order_id == order.id))
        .count()
}
