//! A service loses its disk while the others run, and gets back a copy that is too old: nobody can tell afterwards.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use chassis::Service;
use events::{Event, Payment, PaymentStatus};
use expiration::Expiration;
use order::Orders;
use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use tempfile::TempDir;
use testkit::{Client, Reply, RunningService, TestEnv, eventually};
use ticket::Ticket;
use values::{PaymentId, UserId};

/// All columns that say something to somebody.
const ORDERS: &str = r#"SELECT id, version, status, cancel_reason, buyer_id, seller_id, ticket_id, title, amount, currency,
    quantity, expires_at, payment_id, created_at, updated_at FROM "order" ORDER BY id"#;
const LISTINGS: &str = "SELECT id, version, seller_id, title, description, venue, starts_at, currency, amount, wanted,
    order_window_seconds, created_at, updated_at, withdrawn_at FROM listing ORDER BY id";
const STOCK: &str = "SELECT id, version, wanted, quantity, held, sold FROM listing ORDER BY id";
const TIMERS: &str =
    "SELECT order_id, buyer_id, deadline, order_version, state, stopped_by FROM timer ORDER BY order_id";

/// Three services, a seller and a buyer, and a place for backups.
struct Market {
    kit: TestEnv,
    backups: TempDir,
    seller: UserId,
    buyer: UserId,
}

impl Market {
    async fn open() -> (Self, RunningService, RunningService, RunningService) {
        let kit = TestEnv::new().await;
        let tickets = kit.start::<Ticket>(()).await;
        let orders = kit.start::<Orders>(order::Settings::default()).await;
        let expirations = kit.start::<Expiration>(expiration::Settings::default()).await;
        let (seller, buyer) = (UserId::new(kit.now()), UserId::new(kit.now()));
        let backups = tempfile::tempdir().unwrap();
        let market = Self {
            kit,
            backups,
            seller,
            buyer,
        };
        (market, tickets, orders, expirations)
    }

    fn seller(&self, at: &RunningService) -> Client {
        at.client().bearer(&self.kit.token(self.seller))
    }

    fn buyer(&self, at: &RunningService) -> Client {
        at.client().bearer(&self.kit.token(self.buyer))
    }

    async fn lists(&self, at: &RunningService, quantity: u32) -> String {
        let offer = json!({
            "title": "The Lighthouse Keepers, live", "description": "One night only.\nDoors at seven.",
            "venue": "Laeiszhalle", "price": {"amount": 1999, "currency": "usd"}, "quantity": quantity,
        });
        let listed = self.seller(at).post("/api/v1/tickets", offer).await;
        listed.expect(201).text_at("/id")
    }

    async fn orders(&self, at: &RunningService, ticket: &str, quantity: u32) -> Reply {
        let wish = json!({"ticketId": ticket, "quantity": quantity});
        self.buyer(at).post("/api/v1/orders", wish).await.expect(201)
    }

    async fn cancels(&self, at: &RunningService, order: &Reply) {
        let path = format!("/api/v1/orders/{}", order.text_at("/id"));
        let _ = self.buyer(at).delete(&path).await.expect(204);
    }

    fn payment(&self, order: &Reply) -> Payment {
        Payment {
            id: PaymentId::new(self.kit.now()),
            version: 2,
            status: PaymentStatus::Authorized,
            order_id: order.text_at("/id").parse().unwrap(),
            buyer_id: self.buyer,
            amount: serde_json::from_value(order.json()["total"].clone()).unwrap(),
        }
    }

    fn backs_up<S: Service>(&self) {
        db::admin::backup(&self.kit.database::<S>(), &self.backups.path().join(S::NAME)).unwrap();
    }

    /// The disk is gone, and the backup is laid where the service looks for it.
    fn loses<S: Service>(&self) {
        let database = self.kit.database::<S>();
        let folder = database.parent().unwrap();
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(folder.join(format!("{}.db{suffix}", S::NAME)));
        }
        assert!(!database.exists());
        let copy = folder.join(format!("{}.db.restored", S::NAME));
        fs::rename(self.backups.path().join(S::NAME), copy).unwrap();
    }

    fn rows<S: Service>(&self, sql: &str) -> Vec<Vec<rusqlite::types::Value>> {
        rows(&self.kit.database::<S>(), sql)
    }

    /// Waits until the services tell the same of every order and every listing.
    async fn agrees(&self) {
        let (orders, holds, timers) = (
            r#"SELECT id, version, status FROM "order" ORDER BY id"#,
            "SELECT order_id, version, status FROM hold ORDER BY order_id",
            "SELECT order_id, order_version FROM timer ORDER BY order_id",
        );
        let listings = "SELECT id, version, wanted FROM listing ORDER BY id";
        let (taken, stock) = (
            "SELECT id, held, sold FROM listing WHERE held + sold > 0 ORDER BY id",
            "SELECT ticket_id, held, sold FROM stock WHERE held + sold > 0 ORDER BY ticket_id",
        );
        eventually("all replicas are equal", || async {
            let known = self.rows::<Orders>(orders);
            let versions: Vec<_> = known.iter().map(|order| order[..2].to_vec()).collect();
            let equal = known == self.rows::<Ticket>(holds)
                && versions == self.rows::<Expiration>(timers)
                && self.rows::<Orders>(listings) == self.rows::<Ticket>(listings)
                && self.rows::<Orders>(taken) == self.rows::<Ticket>(stock);
            equal.then_some(())
        })
        .await;
    }

    /// Stops everything and looks through the databases.
    async fn closes(self, services: [RunningService; 3]) {
        for service in services {
            service.stop().await;
        }
        let none: [String; 0] = [];
        assert_eq!(self.findings::<Ticket>(), none);
        assert_eq!(self.findings::<Orders>(), none);
        assert_eq!(self.findings::<Expiration>(), none);
    }

    fn findings<S: Service>(&self) -> Vec<String> {
        let findings = db::admin::check(&self.kit.database::<S>(), &S::SCHEMA, S::INVARIANTS).unwrap();
        findings.iter().map(ToString::to_string).collect()
    }
}

fn rows(database: &Path, sql: &str) -> Vec<Vec<rusqlite::types::Value>> {
    let conn = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    conn.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    let mut found = conn.prepare(sql).unwrap();
    let columns = found.column_count();
    found
        .query_map([], |row| (0..columns).map(|column| row.get(column)).collect())
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_service_that_lost_its_disk_knows_every_order_again() {
    let (market, tickets, orders, expirations) = Market::open().await;
    let concert = market.lists(&tickets, 100).await;
    let mut placed = Vec::new();
    for _ in 0..10 {
        placed.push(market.orders(&orders, &concert, 1).await);
    }
    market.agrees().await;
    market.backs_up::<Orders>();

    let play = market.lists(&tickets, 60).await;
    for number in 0..50 {
        let listing = if number % 2 == 0 { &concert } else { &play };
        placed.push(market.orders(&orders, listing, 1 + number % 3).await);
    }
    for cancelled in [0, 5, 15, 20, 25] {
        market.cancels(&orders, &placed[cancelled]).await;
    }
    let (known, unknown) = (market.payment(&placed[3]), market.payment(&placed[33]));
    for payment in [&known, &unknown] {
        market
            .kit
            .publish("payment", Event::PaymentAuthorized(payment.clone()))
            .await;
        market
            .kit
            .wait_for_event(
                |event| matches!(event, Event::OrderConfirmed(order) if order.payment_id == Some(payment.id)),
            )
            .await;
    }
    market.agrees().await;
    let before = market.rows::<Orders>(ORDERS);
    orders.stop().await;
    for payment in [&known, &unknown] {
        let captured = Payment {
            version: 4,
            status: PaymentStatus::Captured,
            ..payment.clone()
        };
        market.kit.publish("payment", Event::PaymentCreated(captured)).await;
    }
    market.loses::<Orders>();
    assert_eq!(before.len(), 60);

    let orders = market.kit.start::<Orders>(order::Settings::default()).await;
    for payment in [&known, &unknown] {
        let path = format!("/api/v1/orders/{}", payment.order_id);
        eventually("what was paid meanwhile is complete", || async {
            let status = market.buyer(&orders).get(&path).await.expect(200).text_at("/status");
            (status == "complete").then_some(())
        })
        .await;
    }
    market.agrees().await;
    let paid = [&known, &unknown].map(|payment| rusqlite::types::Value::Text(payment.order_id.to_string()));
    let unpaid = |rows: Vec<Vec<_>>| {
        rows.into_iter()
            .filter(|row| !paid.contains(&row[0]))
            .collect::<Vec<_>>()
    };
    assert_eq!(unpaid(market.rows::<Orders>(ORDERS)), unpaid(before));
    let another = market.orders(&orders, &play, 2).await;
    market.cancels(&orders, &another).await;
    let last = market.orders(&orders, &concert, 1).await;
    assert_eq!(last.text_at("/status"), "created");
    market.agrees().await;
    market.closes([tickets, orders, expirations]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_service_that_lost_its_disk_knows_every_listing_again() {
    let (market, tickets, orders, expirations) = Market::open().await;
    let (changed, withdrawn) = (market.lists(&tickets, 10).await, market.lists(&tickets, 10).await);
    market.orders(&orders, &changed, 3).await;
    market.agrees().await;
    market.backs_up::<Ticket>();

    let seller = market.seller(&tickets);
    let offer = json!({"title": "The Lighthouse Keepers, live", "venue": "Hall 2", "quantity": 40,
                       "price": {"amount": 1999, "currency": "usd"}, "orderWindowSeconds": 600});
    let _ = seller
        .put(&format!("/api/v1/tickets/{changed}"), offer)
        .await
        .expect(200);
    market.orders(&orders, &withdrawn, 1).await;
    let _ = seller.delete(&format!("/api/v1/tickets/{withdrawn}")).await.expect(204);
    for quantity in 1..=20 {
        let new = market.lists(&tickets, quantity).await;
        market.orders(&orders, &new, 1).await;
    }
    market.agrees().await;
    let before = (market.rows::<Ticket>(LISTINGS), market.rows::<Orders>(STOCK));
    tickets.stop().await;
    // Heard of when it is back, like everything else.
    market.orders(&orders, &changed, 5).await;
    market.loses::<Ticket>();

    let tickets = market.kit.start::<Ticket>(()).await;
    market.agrees().await;
    assert_eq!(market.rows::<Ticket>(LISTINGS), before.0);
    let stock = market.rows::<Orders>(STOCK);
    assert_eq!(stock.len(), before.1.len());
    let found = market
        .buyer(&tickets)
        .get("/api/v1/tickets?q=lighthouse&limit=100")
        .await
        .expect(200);
    assert_eq!(
        found.json()["items"].as_array().unwrap().len(),
        21,
        "all but the withdrawn one: {}",
        found.text
    );
    market.closes([tickets, orders, expirations]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiration_service_that_lost_its_disk_has_every_timer_again() {
    let (market, tickets, orders, expirations) = Market::open().await;
    let concert = market.lists(&tickets, 100).await;
    let old = market.orders(&orders, &concert, 1).await;
    market.agrees().await;
    market.backs_up::<Expiration>();
    let mut placed = Vec::new();
    for _ in 0..20 {
        placed.push(market.orders(&orders, &concert, 1).await);
    }
    market.cancels(&orders, &old).await;
    market.cancels(&orders, &placed[0]).await;
    market.agrees().await;
    let before = market.rows::<Expiration>(TIMERS);
    expirations.stop().await;
    market.loses::<Expiration>();

    let expirations = market.kit.start::<Expiration>(expiration::Settings::default()).await;
    assert_eq!(market.rows::<Expiration>(TIMERS), before);
    for order in &placed {
        let path = format!("/api/v1/expirations/{}", order.text_at("/id"));
        let _ = market.buyer(&expirations).get(&path).await.expect(200);
    }
    market.agrees().await;
    market.closes([tickets, orders, expirations]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_service_without_a_broker_is_not_ready_and_answers_nothing() {
    let kit = TestEnv::new().await;
    let database = kit.database::<Orders>();
    drop(db::Db::open(&database, &Orders::SCHEMA).unwrap());
    let backup = database.with_extension("backup");
    db::admin::backup(&database, &backup).unwrap();
    db::admin::restore(&backup, &database, &Orders::SCHEMA, true).unwrap();
    let mut common = kit.common();
    common.bus.url = "amqp://guest:guest@127.0.0.1:1/%2f".parse().unwrap();
    let running = chassis::start::<Orders>(database.clone(), common, order::Settings::default(), kit.clock.clone())
        .await
        .unwrap();
    let client = Client::new(format!("http://{}", running.addr)).bearer(&kit.token(UserId::new(kit.now())));
    let _ = client.get("/health/live").await.expect(200);
    let ready = client.get("/health/ready").await.expect(503);
    assert!(
        ready.text_at("/checks/recovery").starts_with("recovering"),
        "{}",
        ready.text
    );
    let refused = client
        .post("/api/v1/orders", json!({"ticketId": "x"}))
        .await
        .expect(503);
    assert_eq!(refused.problem().0, "unavailable");
    assert!(refused.headers.contains_key("retry-after"));
    let metrics = client.get("/metrics").await.expect(200);
    let catching_up = r#"ticketing_catching_up{service="order"} 1"#;
    assert!(metrics.text.contains(catching_up), "{}", metrics.text);
    running.stop().await;
    assert_eq!(
        rows(&database, "SELECT 1 FROM sqlite_schema WHERE name = 'restored'").len(),
        1
    );

    // With a broker, it goes on.
    let orders = kit.start::<Orders>(order::Settings::default()).await;
    let _ = orders.client().get("/health/ready").await.expect(200);
    assert!(rows(&database, "SELECT 1 FROM sqlite_schema WHERE name = 'restored'").is_empty());
    orders.stop().await;
}
