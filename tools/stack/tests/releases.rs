//! The databases that earlier releases have left, `svc/<service>/releases/<version>.db`: today's programs migrate them,
//! find them sound, tell all of their state again, and go on with them.
//!
//! They are files and not text because a dump of a full-text index is no index.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use chassis::Service;
use db::{Db, admin};
use rusqlite::Connection;
use serde_json::json;
use testkit::{Client, TestEnv};
use values::{Clock, UserId};

/// Every release's database of a service, oldest first.
fn releases<S: Service>() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(S::NAME)
        .join("releases");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no database of a release", S::NAME);
    files
}

/// Puts one in place, brings it to today's schema, looks at all of it, and says all of it again.
async fn migrated<S: Service>(kit: &TestEnv, release: &Path) -> PathBuf {
    let file = kit.database::<S>();
    fs::copy(release, &file).unwrap();
    let rehearsal = admin::rehearse(&file, &S::SCHEMA, S::INVARIANTS, None, false).unwrap();
    assert_eq!(rehearsal.findings, [], "{}", release.display());
    let report = admin::migrate(&file, &S::SCHEMA).unwrap();
    assert_eq!((rehearsal.from, rehearsal.to), (report.from, report.to));
    assert_eq!(report.to, S::SCHEMA.version());

    let db = Db::open(&file, &S::SCHEMA).unwrap();
    let (now, mut after) = (Clock::system().now(), None);
    loop {
        after = db.write(move |tx| S::republish(tx, now, after)).await.unwrap();
        if after.is_none() {
            break;
        }
    }
    db.close().await;
    assert_eq!(admin::check(&file, &S::SCHEMA, S::INVARIANTS).unwrap(), []);
    file
}

/// Somebody in the database, and what they may read.
fn of_somebody(file: &Path, sql: &str) -> (UserId, String) {
    let (user, id): (String, String) = Connection::open(file)
        .unwrap()
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    (user.parse().unwrap(), id)
}

/// Starts the service on each of its databases and reads something of it.
async fn goes_on<S: Service>(settings: S::Settings, path: &str, sql: &str) {
    for release in releases::<S>() {
        let kit = TestEnv::new().await;
        let file = migrated::<S>(&kit, &release).await;
        let (user, id) = of_somebody(&file, sql);
        let started = kit.start::<S>(settings.clone()).await;
        drop(started.client().get("/health/ready").await.expect(200));
        let client: Client = started.client().bearer(&kit.token(user));
        drop(client.get(&format!("/api/v1/{path}/{id}")).await.expect(200));
        started.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signed_up_at_an_earlier_release_signs_in() {
    for release in releases::<auth::Auth>() {
        let kit = TestEnv::new().await;
        migrated::<auth::Auth>(&kit, &release).await;
        let started = kit.start::<auth::Auth>(auth::Settings::default()).await;
        let person = json!({"email": "dora4@example.com", "password": "correct horse battery"});
        drop(started.client().get("/health/ready").await.expect(200));
        drop(started.client().post("/api/v1/auth/signin", person).await.expect(200));
        started.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_of_an_earlier_release_are_there() {
    goes_on::<ticket::Ticket>((), "tickets", "SELECT seller_id, id FROM listing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_an_earlier_release_are_there() {
    goes_on::<order::Orders>(
        order::Settings::default(),
        "orders",
        r#"SELECT buyer_id, id FROM "order""#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_of_an_earlier_release_are_there() {
    let sql = "SELECT buyer_id, order_id FROM timer";
    goes_on::<expiration::Expiration>(expiration::Settings::default(), "expirations", sql).await;
}

/// Stripe is away: the attempts that were under way wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn payments_of_an_earlier_release_are_there() {
    let settings = payment::Settings {
        stripe_url: "http://127.0.0.1:9/".parse().unwrap(),
        stripe_secret_key: Some("sk_test_away".parse().unwrap()),
        stripe_timeout: Duration::from_secs(1),
        ..payment::Settings::default()
    };
    goes_on::<payment::Payments>(settings, "payments", "SELECT buyer_id, id FROM payment").await;
}
