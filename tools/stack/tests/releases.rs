//! The databases of earlier releases, `svc/<service>/releases/<version>.db`. The current code migrates them, finds no
//! violation, republishes their state, and serves their data.
//!
//! They are files rather than SQL text, because a dump does not contain a full-text index.

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

/// Returns the databases of a service, oldest release first.
fn releases<S: Service>() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../svc")
        .join(S::NAME)
        .join("releases");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no database of an earlier release", S::NAME);
    files
}

/// Copies a database into the environment, migrates it, republishes its state, and checks it. Returns its path.
async fn migrate<S: Service>(env: &TestEnv, release: &Path) -> PathBuf {
    let file = env.database::<S>();
    fs::copy(release, &file).unwrap();
    let rehearsal = admin::rehearse(&file, &S::SCHEMA, S::INVARIANTS, None, false).unwrap();
    assert_eq!(rehearsal.findings, [], "{}", release.display());
    let report = admin::migrate(&file, &S::SCHEMA).unwrap();
    assert_eq!((rehearsal.from, rehearsal.to), (report.from, report.to));
    assert_eq!(report.to, S::SCHEMA.version());

    let db = Db::open(&file, &S::SCHEMA).unwrap();
    let (now, mut after) = (Clock::system().now(), None);
    loop {
        after = db.write(move |tx| S::republish(tx, now, None, after)).await.unwrap();
        if after.is_none() {
            break;
        }
    }
    db.close().await;
    let none: [String; 0] = [];
    assert_eq!(env.check_database::<S>(), none);
    file
}

/// Returns a user and the id of a resource that this user may read.
fn user_and_resource(file: &Path, sql: &str) -> (UserId, String) {
    let (user, id): (String, String) = Connection::open(file)
        .unwrap()
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    (user.parse().unwrap(), id)
}

/// Starts the service with each of its databases, and gets one resource.
async fn assert_serves_earlier_releases<S: Service>(settings: S::Settings, path: &str, sql: &str) {
    for release in releases::<S>() {
        let env = TestEnv::new().await;
        let file = migrate::<S>(&env, &release).await;
        let (user, id) = user_and_resource(&file, sql);
        let service = env.start::<S>(settings.clone()).await;
        drop(service.client().get("/health/ready").await.expect(200));
        let client: Client = service.client().bearer(&env.token(user));
        drop(client.get(&format!("/api/v1/{path}/{id}")).await.expect(200));
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_an_earlier_release_signs_in() {
    for release in releases::<auth::Auth>() {
        let env = TestEnv::new().await;
        migrate::<auth::Auth>(&env, &release).await;
        let service = env.start::<auth::Auth>(auth::Settings::default()).await;
        let credentials = json!({"email": "dora4@example.com", "password": "correct horse battery"});
        drop(service.client().get("/health/ready").await.expect(200));
        drop(
            service
                .client()
                .post("/api/v1/auth/signin", credentials)
                .await
                .expect(200),
        );
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_of_an_earlier_release_are_served() {
    let settings = ticket::Settings::default();
    assert_serves_earlier_releases::<ticket::Ticket>(settings, "tickets", "SELECT seller_id, id FROM listing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_of_an_earlier_release_are_served() {
    assert_serves_earlier_releases::<order::Orders>(
        order::Settings::default(),
        "orders",
        r#"SELECT buyer_id, id FROM "order""#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_of_an_earlier_release_are_served() {
    let sql = "SELECT buyer_id, order_id FROM timer";
    assert_serves_earlier_releases::<expiration::Expiration>(expiration::Settings::default(), "expirations", sql).await;
}

/// Stripe is unreachable, so that payments in progress stay as they are.
#[tokio::test(flavor = "multi_thread")]
async fn payments_of_an_earlier_release_are_served() {
    let settings = payment::Settings {
        stripe_url: "http://127.0.0.1:9/".parse().unwrap(),
        stripe_secret_key: Some("sk_test_unreachable".parse().unwrap()),
        stripe_timeout: Duration::from_secs(1),
        ..payment::Settings::default()
    };
    assert_serves_earlier_releases::<payment::Payments>(settings, "payments", "SELECT buyer_id, id FROM payment").await;
}
