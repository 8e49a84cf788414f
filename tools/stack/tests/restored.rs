//! A service is restored from an old backup while the others run. It recovers everything that happened since.

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

/// The columns of each table that the API or events expose.
const ORDERS: &str = r#"SELECT id, version, status, cancel_reason, buyer_id, seller_id, ticket_id, title, amount,
    currency, quantity, expires_at, payment_id, created_at, updated_at FROM "order" ORDER BY id"#;
const LISTINGS: &str = "SELECT id, version, seller_id, title, description, venue, starts_at, currency, amount, wanted,
    order_window_seconds, created_at, updated_at, withdrawn_at FROM listing ORDER BY id";
const STOCK: &str = "SELECT id, version, wanted, quantity, held, sold FROM listing ORDER BY id";
const TIMERS: &str =
    "SELECT order_id, buyer_id, deadline, order_version, state, stopped_by FROM timer ORDER BY order_id";

/// An environment of three services, with a seller, a buyer, and a folder for backups.
struct Marketplace {
    env: TestEnv,
    backups: TempDir,
    seller: UserId,
    buyer: UserId,
}

impl Marketplace {
    /// Starts the ticket, order and expiration services.
    async fn start() -> (Self, RunningService, RunningService, RunningService) {
        let env = TestEnv::new().await;
        let tickets = env.start::<Ticket>(ticket::Settings::default()).await;
        let orders = env.start::<Orders>(order_settings()).await;
        let expirations = env.start::<Expiration>(expiration::Settings::default()).await;
        let (seller, buyer) = (UserId::new(env.now()), UserId::new(env.now()));
        let backups = tempfile::tempdir().unwrap();
        let marketplace = Self {
            env,
            backups,
            seller,
            buyer,
        };
        (marketplace, tickets, orders, expirations)
    }

    fn seller(&self, service: &RunningService) -> Client {
        service.client().bearer(&self.env.token(self.seller))
    }

    fn buyer(&self, service: &RunningService) -> Client {
        service.client().bearer(&self.env.token(self.buyer))
    }

    async fn list_tickets(&self, tickets: &RunningService, quantity: u32) -> String {
        let offer = json!({
            "title": "The Lighthouse Keepers, live", "description": "One night only.\nDoors at seven.",
            "venue": "Laeiszhalle", "price": {"amount": 1999, "currency": "usd"}, "quantity": quantity,
        });
        let listed = self.seller(tickets).post("/api/v1/tickets", offer).await;
        listed.expect(201).text_at("/id")
    }

    async fn place_order(&self, orders: &RunningService, ticket: &str, quantity: u32) -> Reply {
        let body = json!({"ticketId": ticket, "quantity": quantity});
        self.buyer(orders).post("/api/v1/orders", body).await.expect(201)
    }

    async fn cancel_order(&self, orders: &RunningService, order: &Reply) {
        let path = format!("/api/v1/orders/{}", order.text_at("/id"));
        let _ = self.buyer(orders).delete(&path).await.expect(204);
    }

    fn authorized_payment(&self, order: &Reply) -> Payment {
        Payment {
            id: PaymentId::new(self.env.now()),
            version: 2,
            status: PaymentStatus::Authorized,
            order_id: order.text_at("/id").parse().unwrap(),
            buyer_id: self.buyer,
            amount: serde_json::from_value(order.json()["total"].clone()).unwrap(),
        }
    }

    fn back_up<S: Service>(&self) {
        db::admin::backup(&self.env.database::<S>(), &self.backups.path().join(S::NAME)).unwrap();
    }

    /// Deletes the database, and places the backup where the service restores it from when it starts.
    fn replace_with_backup<S: Service>(&self) {
        let database = self.env.database::<S>();
        let folder = database.parent().unwrap();
        for suffix in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(folder.join(format!("{}.db{suffix}", S::NAME)));
        }
        assert!(!database.exists());
        let restored = folder.join(format!("{}.db.restored", S::NAME));
        fs::rename(self.backups.path().join(S::NAME), restored).unwrap();
    }

    fn rows<S: Service>(&self, sql: &str) -> Vec<Vec<rusqlite::types::Value>> {
        query_rows(&self.env.database::<S>(), sql)
    }

    /// Waits until the services store the same state of every order and every listing.
    async fn wait_until_replicas_agree(&self) {
        let (orders, holds, timers) = (
            r#"SELECT id, version, status FROM "order" ORDER BY id"#,
            "SELECT order_id, version, status FROM hold ORDER BY order_id",
            "SELECT order_id, order_version FROM timer ORDER BY order_id",
        );
        let listings = "SELECT id, version, wanted FROM listing ORDER BY id";
        let (stock, stock_replica) = (
            "SELECT id, held, sold FROM listing WHERE held + sold > 0 ORDER BY id",
            "SELECT ticket_id, held, sold FROM stock WHERE held + sold > 0 ORDER BY ticket_id",
        );
        eventually("all replicas are equal", || async {
            let placed = self.rows::<Orders>(orders);
            let versions: Vec<_> = placed.iter().map(|order| order[..2].to_vec()).collect();
            let equal = placed == self.rows::<Ticket>(holds)
                && versions == self.rows::<Expiration>(timers)
                && self.rows::<Orders>(listings) == self.rows::<Ticket>(listings)
                && self.rows::<Orders>(stock) == self.rows::<Ticket>(stock_replica);
            equal.then_some(())
        })
        .await;
    }

    /// Stops the services, and asserts that their databases violate no invariant.
    async fn stop(self, services: [RunningService; 3]) {
        for service in services {
            service.stop().await;
        }
        let none: [String; 0] = [];
        assert_eq!(self.env.check_database::<Ticket>(), none);
        assert_eq!(self.env.check_database::<Orders>(), none);
        assert_eq!(self.env.check_database::<Expiration>(), none);
    }
}

/// One buyer has all orders.
fn order_settings() -> order::Settings {
    order::Settings {
        sale: order::SaleLimits::UNREACHED,
        ..order::Settings::default()
    }
}

fn query_rows(database: &Path, sql: &str) -> Vec<Vec<rusqlite::types::Value>> {
    let conn = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    conn.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    let mut query = conn.prepare(sql).unwrap();
    let columns = query.column_count();
    query
        .query_map([], |row| (0..columns).map(|column| row.get(column)).collect())
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_order_service_recovers_every_order() {
    let (marketplace, tickets, orders, expirations) = Marketplace::start().await;
    let concert = marketplace.list_tickets(&tickets, 100).await;
    let mut placed = Vec::new();
    for _ in 0..10 {
        placed.push(marketplace.place_order(&orders, &concert, 1).await);
    }
    marketplace.wait_until_replicas_agree().await;
    marketplace.back_up::<Orders>();

    let play = marketplace.list_tickets(&tickets, 60).await;
    for number in 0..50 {
        let listing = if number % 2 == 0 { &concert } else { &play };
        placed.push(marketplace.place_order(&orders, listing, 1 + number % 3).await);
    }
    for cancelled in [0, 5, 15, 20, 25] {
        marketplace.cancel_order(&orders, &placed[cancelled]).await;
    }
    let (in_backup, after_backup) = (
        marketplace.authorized_payment(&placed[3]),
        marketplace.authorized_payment(&placed[33]),
    );
    for payment in [&in_backup, &after_backup] {
        marketplace
            .env
            .publish("payment", Event::PaymentAuthorized(payment.clone()))
            .await;
        marketplace
            .env
            .wait_for_event(
                |event| matches!(event, Event::OrderConfirmed(order) if order.payment_id == Some(payment.id)),
            )
            .await;
    }
    marketplace.wait_until_replicas_agree().await;
    let before = marketplace.rows::<Orders>(ORDERS);
    orders.stop().await;
    for payment in [&in_backup, &after_backup] {
        let captured = Payment {
            version: 4,
            status: PaymentStatus::Captured,
            ..payment.clone()
        };
        marketplace
            .env
            .publish("payment", Event::PaymentCreated(captured))
            .await;
    }
    marketplace.replace_with_backup::<Orders>();
    assert_eq!(before.len(), 60);

    let orders = marketplace.env.start::<Orders>(order_settings()).await;
    for payment in [&in_backup, &after_backup] {
        let path = format!("/api/v1/orders/{}", payment.order_id);
        eventually("an order that was paid during the outage is complete", || async {
            let status = marketplace
                .buyer(&orders)
                .get(&path)
                .await
                .expect(200)
                .text_at("/status");
            (status == "complete").then_some(())
        })
        .await;
    }
    marketplace.wait_until_replicas_agree().await;
    let paid = [&in_backup, &after_backup].map(|payment| rusqlite::types::Value::Text(payment.order_id.to_string()));
    let unpaid = |rows: Vec<Vec<_>>| {
        rows.into_iter()
            .filter(|row| !paid.contains(&row[0]))
            .collect::<Vec<_>>()
    };
    assert_eq!(unpaid(marketplace.rows::<Orders>(ORDERS)), unpaid(before));
    let another = marketplace.place_order(&orders, &play, 2).await;
    marketplace.cancel_order(&orders, &another).await;
    let last = marketplace.place_order(&orders, &concert, 1).await;
    assert_eq!(last.text_at("/status"), "created");
    marketplace.wait_until_replicas_agree().await;
    marketplace.stop([tickets, orders, expirations]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_ticket_service_recovers_every_listing() {
    let (marketplace, tickets, orders, expirations) = Marketplace::start().await;
    let (changed, withdrawn) = (
        marketplace.list_tickets(&tickets, 10).await,
        marketplace.list_tickets(&tickets, 10).await,
    );
    marketplace.place_order(&orders, &changed, 3).await;
    marketplace.wait_until_replicas_agree().await;
    marketplace.back_up::<Ticket>();

    let seller = marketplace.seller(&tickets);
    let offer = json!({"title": "The Lighthouse Keepers, live", "venue": "Hall 2", "quantity": 40,
                       "price": {"amount": 1999, "currency": "usd"}, "orderWindowSeconds": 600});
    let _ = seller
        .put(&format!("/api/v1/tickets/{changed}"), offer)
        .await
        .expect(200);
    marketplace.place_order(&orders, &withdrawn, 1).await;
    let _ = seller.delete(&format!("/api/v1/tickets/{withdrawn}")).await.expect(204);
    for quantity in 1..=20 {
        let new = marketplace.list_tickets(&tickets, quantity).await;
        marketplace.place_order(&orders, &new, 1).await;
    }
    marketplace.wait_until_replicas_agree().await;
    let before = (marketplace.rows::<Ticket>(LISTINGS), marketplace.rows::<Orders>(STOCK));
    tickets.stop().await;
    // Consumed after the restart, like every event since the backup.
    marketplace.place_order(&orders, &changed, 5).await;
    marketplace.replace_with_backup::<Ticket>();

    let tickets = marketplace.env.start::<Ticket>(ticket::Settings::default()).await;
    marketplace.wait_until_replicas_agree().await;
    assert_eq!(marketplace.rows::<Ticket>(LISTINGS), before.0);
    let stock = marketplace.rows::<Orders>(STOCK);
    assert_eq!(stock.len(), before.1.len());
    let found = marketplace
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
    marketplace.stop([tickets, orders, expirations]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_expiration_service_recovers_every_timer() {
    let (marketplace, tickets, orders, expirations) = Marketplace::start().await;
    let concert = marketplace.list_tickets(&tickets, 100).await;
    let old = marketplace.place_order(&orders, &concert, 1).await;
    marketplace.wait_until_replicas_agree().await;
    marketplace.back_up::<Expiration>();
    let mut placed = Vec::new();
    for _ in 0..20 {
        placed.push(marketplace.place_order(&orders, &concert, 1).await);
    }
    marketplace.cancel_order(&orders, &old).await;
    marketplace.cancel_order(&orders, &placed[0]).await;
    marketplace.wait_until_replicas_agree().await;
    let before = marketplace.rows::<Expiration>(TIMERS);
    expirations.stop().await;
    marketplace.replace_with_backup::<Expiration>();

    let expirations = marketplace
        .env
        .start::<Expiration>(expiration::Settings::default())
        .await;
    assert_eq!(marketplace.rows::<Expiration>(TIMERS), before);
    for order in &placed {
        let path = format!("/api/v1/expirations/{}", order.text_at("/id"));
        let _ = marketplace.buyer(&expirations).get(&path).await.expect(200);
    }
    marketplace.wait_until_replicas_agree().await;
    marketplace.stop([tickets, orders, expirations]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_service_without_a_broker_is_not_ready_and_refuses_requests() {
    let env = TestEnv::new().await;
    let database = env.database::<Orders>();
    db::Db::open(&database, &Orders::SCHEMA).unwrap().close().await;
    let backup = database.with_extension("backup");
    db::admin::backup(&database, &backup).unwrap();
    db::admin::restore(&backup, &database, &Orders::SCHEMA, true).unwrap();
    let mut common = env.common();
    common.bus.url = "amqp://guest:guest@127.0.0.1:1/%2f".parse().unwrap();
    let running = chassis::start::<Orders>(database.clone(), common, order_settings(), env.clock.clone())
        .await
        .unwrap();
    let client = Client::new(format!("http://{}", running.addr)).bearer(&env.token(UserId::new(env.now())));
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
        query_rows(&database, "SELECT 1 FROM sqlite_schema WHERE name = 'restored'").len(),
        1
    );

    // With a broker, it recovers.
    let orders = env.start::<Orders>(order_settings()).await;
    let _ = orders.client().get("/health/ready").await.expect(200);
    eventually("what has changed is published, and the mark is gone", || async {
        let marks = query_rows(&database, "SELECT 1 FROM sqlite_schema WHERE name = 'restored'");
        marks.is_empty().then_some(())
    })
    .await;
    orders.stop().await;
}
