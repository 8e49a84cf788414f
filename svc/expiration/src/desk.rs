use bus::DelayLadder;
use chassis::Service;
use db::{Db, admin};
use events::{Envelope, Event, Order};
use tempfile::TempDir;
use values::{OrderId, Timestamp};

use crate::{
    Expiration, Settings,
    expire::{expire_overdue, ring},
    follow_order::follow_order,
    republish::republish,
    store,
    timer::Timer,
};

/// The use cases over a database of their own, with nobody who empties the outbox.
pub(crate) struct Desk {
    pub(crate) db: Db,
    delay_ladder: DelayLadder,
    folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("expiration.db"), &Expiration::SCHEMA).unwrap();
        Self {
            db,
            delay_ladder: Settings::default().delay_ladder(),
            folder,
        }
    }

    pub(crate) async fn hear(&self, now: Timestamp, order: &Order) {
        let (order, delay_ladder) = (order.clone(), self.delay_ladder.clone());
        self.db
            .write(move |tx| follow_order(tx, now, &order, &delay_ladder))
            .await
            .unwrap();
    }

    pub(crate) async fn ring(&self, now: Timestamp, order: OrderId) {
        let delay_ladder = self.delay_ladder.clone();
        self.db
            .write(move |tx| ring(tx, now, order, &delay_ladder))
            .await
            .unwrap();
    }

    pub(crate) async fn sweep(&self, now: Timestamp) -> usize {
        self.db.write(move |tx| expire_overdue(tx, now)).await.unwrap()
    }

    pub(crate) async fn republish(&self, now: Timestamp) {
        let mut after = None;
        loop {
            after = self
                .db
                .write(move |tx| republish(tx, now, after.as_deref()))
                .await
                .unwrap();
            if after.is_none() {
                return;
            }
        }
    }

    pub(crate) async fn timers(&self) -> Vec<Timer> {
        self.db.read(|conn| store::page(conn, "", u32::MAX)).await.unwrap()
    }

    /// Where each message goes, and what it says.
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

    /// The orders and deadlines that were announced.
    pub(crate) async fn announced(&self) -> Vec<(OrderId, Timestamp)> {
        let said = self.outbox().await.into_iter();
        said.filter_map(|(_, event)| {
            let expiration = event.as_expiration()?;
            Some((expiration.order_id, expiration.deadline))
        })
        .collect()
    }

    /// What `check` finds.
    pub(crate) fn findings(&self) -> Vec<String> {
        let found = admin::check(
            &self.folder.path().join("expiration.db"),
            &Expiration::SCHEMA,
            Expiration::INVARIANTS,
        );
        found.unwrap().iter().map(ToString::to_string).collect()
    }
}
