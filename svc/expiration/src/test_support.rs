//! Fixtures of the unit tests: orders, and the use cases over a database of their own.

use std::time::Duration;

use bus::DelayLadder;
use chassis::Service;
use db::{Db, admin};
use events::{CancelReason, Envelope, Event, Order, OrderStatus, Timer as TimerMessage, examples};
use tempfile::TempDir;
use values::{OrderId, Timestamp};

use crate::{
    Expiration, Settings,
    domain::Timer,
    events::republish,
    store,
    use_cases::{expire_overdue_orders, process_timer, track_order},
};

pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_800_000_000_000);
pub(crate) const ORDER_WINDOW: Duration = examples::ORDER_WINDOW;

/// Returns an order that was placed at noon.
pub(crate) fn order() -> Order {
    Order {
        quantity: 2,
        total: examples::usd(3998),
        ..examples::order(NOON)
    }
}

/// Returns the next version of an order.
pub(crate) fn next_version(order: &Order, status: OrderStatus, cancel_reason: Option<CancelReason>) -> Order {
    Order {
        version: order.version + 1,
        status,
        cancel_reason,
        ..order.clone()
    }
}

/// The use cases over a temporary database, without a relay for the outbox.
pub(crate) struct TestDb {
    pub(crate) db: Db,
    delay_ladder: DelayLadder,
    folder: TempDir,
}

impl TestDb {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("expiration.db"), &Expiration::SCHEMA).unwrap();
        Self {
            db,
            delay_ladder: Settings::default().delay_ladder(),
            folder,
        }
    }

    pub(crate) async fn track_order(&self, now: Timestamp, order: &Order) {
        let (order, delay_ladder) = (order.clone(), self.delay_ladder.clone());
        self.db
            .write(move |tx| track_order(tx, now, &order, &delay_ladder))
            .await
            .unwrap();
    }

    /// Processes the timer message of an order.
    pub(crate) async fn process_timer(&self, now: Timestamp, order: OrderId) {
        let timer = self.db.read(move |conn| store::find_timer(conn, order)).await.unwrap();
        let deadline = timer.map_or(now, |timer| timer.deadline());
        let message = TimerMessage {
            order_id: order,
            deadline,
        };
        self.process_message(now, message).await;
    }

    pub(crate) async fn process_message(&self, now: Timestamp, message: TimerMessage) {
        let delay_ladder = self.delay_ladder.clone();
        self.db
            .write(move |tx| process_timer(tx, now, &message, &delay_ladder))
            .await
            .unwrap();
    }

    pub(crate) async fn expire_overdue_orders(&self, now: Timestamp) -> usize {
        self.db.write(move |tx| expire_overdue_orders(tx, now)).await.unwrap()
    }

    pub(crate) async fn republish(&self, now: Timestamp) {
        let mut after = None;
        loop {
            after = self
                .db
                .write(move |tx| republish(tx, now, None, after.as_deref()))
                .await
                .unwrap();
            if after.is_none() {
                return;
            }
        }
    }

    pub(crate) async fn timers(&self) -> Vec<Timer> {
        self.db
            .read(|conn| store::timers_after(conn, "", u32::MAX))
            .await
            .unwrap()
    }

    /// Returns the destination and event of each message in the outbox.
    pub(crate) async fn outbox(&self) -> Vec<(String, Event)> {
        self.db
            .read(|conn| -> Result<_, db::Error> {
                let mut rows = conn.prepare("SELECT destination, body FROM outbox ORDER BY id")?;
                let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
                Ok(rows.collect::<Result<Vec<_>, _>>()?)
            })
            .await
            .unwrap()
            .into_iter()
            .map(|(destination, body)| (destination, Envelope::parse(body.as_bytes()).unwrap().event))
            .collect()
    }

    /// Returns the orders and deadlines of the published expirations.
    pub(crate) async fn published_expirations(&self) -> Vec<(OrderId, Timestamp)> {
        let published = self.outbox().await.into_iter();
        published
            .filter_map(|(_, event)| {
                let expiration = event.as_expiration()?;
                Some((expiration.order_id, expiration.deadline))
            })
            .collect()
    }

    /// Returns the findings of `check`.
    pub(crate) fn findings(&self) -> Vec<String> {
        let found = admin::check(
            &self.folder.path().join("expiration.db"),
            &Expiration::SCHEMA,
            Expiration::INVARIANTS,
        );
        found.unwrap().iter().map(ToString::to_string).collect()
    }
}
