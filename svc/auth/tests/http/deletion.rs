//! The deletion of accounts.

use auth::Auth;
use db::admin;
use events::{Account, AccountMailKind, AccountStatus, Closure, ClosureObstacle, Event};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, Reply};

use crate::test_app::{CURRENT_USER, PASSWORD, Session, TestApp};

const DELETION: &str = "/api/v1/auth/users/current/deletion";
const EMAIL: &str = "ada@example.com";

async fn request(client: &Client) -> Reply {
    client.post(DELETION, json!({"password": PASSWORD})).await
}

async fn withdraw(client: &Client) -> Reply {
    client.send(Method::DELETE, DELETION, None).await
}

/// Waits for a state of an account.
async fn published(app: &TestApp, user: &Session, version: u64) -> Event {
    let is_it = |account: &Account| account.id.to_string() == user.user_id && account.version == version;
    app.env
        .wait_for_event(|event| event.as_account().is_some_and(is_it))
        .await
}

/// Publishes what each service has decided about a version of an account.
async fn decide(app: &TestApp, user: &Session, version: u64, obstacles: [&[ClosureObstacle]; 3]) {
    let [ticket, order, payment] = obstacles.map(|obstacles| Closure {
        account_id: user.user_id.parse().unwrap(),
        version,
        obstacles: obstacles.to_vec(),
        decided_at: app.env.now(),
    });
    app.env.publish("ticket", Event::TicketClosureDecided(ticket)).await;
    app.env.publish("order", Event::OrderClosureDecided(order)).await;
    app.env.publish("payment", Event::PaymentClosureDecided(payment)).await;
}

/// Publishes twice that nothing prevents the deletion, and waits until the account is deleted.
async fn agree(app: &TestApp, user: &Session, version: u64) {
    for asked in [version, version + 1] {
        published(app, user, asked).await;
        decide(app, user, asked, [&[], &[], &[]]).await;
    }
    let concluded = published(app, user, version + 2).await;
    assert!(matches!(concluded, Event::AccountDeleted(_)), "{concluded:?}");
}

#[tokio::test]
async fn an_account_is_deleted_with_all_personal_data_once_every_service_has_agreed() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.sign_up(EMAIL).await, app.sign_up("bob@example.com").await);
    let elsewhere = Session::from_reply(&app.sign_in(EMAIL, PASSWORD).await.expect(200));
    let client = app.client().bearer(&ada.access_token);
    let body = json!({"email": "ada@lovelace.example", "password": PASSWORD});
    let _ = client.post("/api/v1/auth/email-changes", body).await.expect(202);

    let requested = request(&client).await.expect(202).json();
    assert_eq!(
        (&requested["status"], &requested["obstacles"]),
        (&json!("requested"), &json!([]))
    );
    let closing = published(&app, &ada, 2).await;
    assert!(matches!(closing, Event::AccountClosing(_)), "{closing:?}");
    // The same request again asks nobody again.
    assert_eq!(request(&client).await.expect(202).json(), requested);
    assert_eq!(client.get(DELETION).await.expect(200).json(), requested);
    let data = client.get("/api/v1/auth/personal-data").await.expect(200).json();
    assert_eq!(data["deletionRequestedAt"], requested["requestedAt"]);

    decide(&app, &ada, 2, [&[], &[], &[]]).await;
    // What was in progress between two services at the first decisions is finished at the second ones.
    let again = published(&app, &ada, 3).await;
    assert!(matches!(again, Event::AccountClosing(_)), "{again:?}");
    app.current_user(&ada.access_token).await.expect(200).json();
    decide(&app, &ada, 2, [&[], &[], &[]]).await;
    decide(&app, &ada, 3, [&[], &[], &[]]).await;
    let Event::AccountDeleted(deleted) = published(&app, &ada, 4).await else {
        panic!("not deleted")
    };
    assert_eq!(
        (deleted.email, deleted.name, deleted.email_confirmed_at),
        (None, None, None)
    );
    app.mail(EMAIL, AccountMailKind::AccountDeleted, 0).await;
    for session in [&ada, &elsewhere] {
        app.current_user(&session.access_token).await.expect(401).problem();
        app.refresh(&session.refresh_token).await.expect(401).problem();
        let ended = |event: &Event| {
            event
                .as_session()
                .is_some_and(|ended| ended.user_id.to_string() == ada.user_id)
        };
        app.env.wait_for_event(ended).await;
    }
    app.sign_in(EMAIL, PASSWORD).await.expect(401).problem();
    app.current_user(&bob.access_token).await.expect(200).json();
    decide(&app, &ada, 3, [&[], &[ClosureObstacle::Balance], &[]]).await;

    // The address is free.
    let again = app.sign_up(EMAIL).await;
    assert_ne!(again.user_id, ada.user_id);
    app.current_user(&again.access_token).await.expect(200).json();
    app.stop().await;
}

#[tokio::test]
async fn nothing_personal_is_left_in_the_file() {
    let app = TestApp::new().await;
    let ada = app.sign_up(EMAIL).await;
    let client = app.client().bearer(&ada.access_token);
    let change = json!({"name": "Ada Lovelace"});
    let changed = client.send(Method::PATCH, CURRENT_USER, Some(change.to_string())).await;
    let _ = changed.expect(200);
    let _ = request(&client).await.expect(202);
    agree(&app, &ada, 3).await;
    app.mail(EMAIL, AccountMailKind::AccountDeleted, 0).await;
    let env = app.stop().await;
    let stored = std::fs::read(env.database::<Auth>()).unwrap();
    for text in [EMAIL, "Ada Lovelace", "127.0.0.0"] {
        let is_stored = stored.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!is_stored, "{text} is still in the file");
    }
}

#[tokio::test]
async fn a_deletion_is_refused_with_all_obstacles_and_can_be_requested_again() {
    let app = TestApp::new().await;
    let ada = app.sign_up(EMAIL).await;
    let client = app.client().bearer(&ada.access_token);
    let _ = request(&client).await.expect(202);
    let obstacles = [
        &[ClosureObstacle::OpenTransfers][..],
        &[ClosureObstacle::OpenOrders],
        &[ClosureObstacle::OpenOrders, ClosureObstacle::Balance],
    ];
    decide(&app, &ada, 2, obstacles).await;
    let reopened = published(&app, &ada, 3).await;
    assert!(matches!(reopened, Event::AccountReopened(_)), "{reopened:?}");
    app.mail(EMAIL, AccountMailKind::DeletionRefused, 0).await;
    let refused = client.get(DELETION).await.expect(200).json();
    assert_eq!(refused["status"], json!("refused"));
    assert_eq!(
        refused["obstacles"],
        json!(["open-orders", "balance", "open-transfers"])
    );
    withdraw(&client).await.expect(404).problem();

    // Decisions about the first request are no decisions about the second one. An obstacle may show in the second round alone.
    let _ = request(&client).await.expect(202);
    published(&app, &ada, 4).await;
    decide(&app, &ada, 2, [&[], &[], &[]]).await;
    decide(&app, &ada, 4, [&[], &[], &[]]).await;
    published(&app, &ada, 5).await;
    decide(&app, &ada, 5, [&[ClosureObstacle::OpenListings], &[], &[]]).await;
    let reopened = published(&app, &ada, 6).await;
    assert!(matches!(reopened, Event::AccountReopened(_)), "{reopened:?}");
    assert_eq!(
        client.get(DELETION).await.expect(200).json()["obstacles"],
        json!(["open-listings"])
    );
    app.stop().await;
}

#[tokio::test]
async fn a_request_can_be_withdrawn_until_it_is_decided() {
    let app = TestApp::new().await;
    let ada = app.sign_up(EMAIL).await;
    let client = app.client().bearer(&ada.access_token);
    client.get(DELETION).await.expect(404).problem();
    withdraw(&client).await.expect(404).problem();
    let _ = request(&client).await.expect(202);
    assert_eq!(withdraw(&client).await.expect(200).json(), json!({"withdrawn": true}));
    let reopened = published(&app, &ada, 3).await;
    assert!(matches!(reopened, Event::AccountReopened(_)), "{reopened:?}");
    client.get(DELETION).await.expect(404).problem();
    decide(&app, &ada, 2, [&[], &[], &[]]).await;
    // A change that is committed after the decisions is published after everything they could have led to.
    let change = json!({"language": "de"});
    let changed = client.send(Method::PATCH, CURRENT_USER, Some(change.to_string())).await;
    let _ = changed.expect(200);
    let applied = r#"ticketing_messages_total{service="auth",queue="events",outcome="applied"}"#;
    testkit::eventually("the decisions are consumed", || async {
        (app.metric(applied).await == 3).then_some(())
    })
    .await;

    let Event::AccountUpdated(account) = published(&app, &ada, 4).await else {
        panic!("not updated")
    };
    assert_eq!(account.status, AccountStatus::Active);
    let _ = client.get(CURRENT_USER).await.expect(200);
    app.stop().await;
}

#[tokio::test]
async fn a_deletion_needs_the_password() {
    let app = TestApp::new().await;
    let ada = app.sign_up(EMAIL).await;
    let client = app.client().bearer(&ada.access_token);
    let refused = client.post(DELETION, json!({"password": "wrong"})).await.expect(403);
    assert_eq!(refused.problem().0, "wrong-password");
    client.post(DELETION, Value::Null).await.expect(422).problem();
    client.get(DELETION).await.expect(404).problem();
    app.stop().await;
}

#[tokio::test]
async fn a_deleted_account_stays_deleted_and_a_requested_deletion_requested_after_a_restore() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.sign_up(EMAIL).await, app.sign_up("bob@example.com").await);
    let database = app.env.database::<Auth>();
    let backup = database.with_extension("bak");
    admin::backup(&database, &backup).unwrap();
    let _ = request(&app.client().bearer(&bob.access_token)).await.expect(202);
    published(&app, &bob, 2).await;
    let _ = request(&app.client().bearer(&ada.access_token)).await.expect(202);
    agree(&app, &ada, 2).await;
    let env = app.stop().await;

    admin::restore(&backup, &database, &<Auth as chassis::Service>::SCHEMA, true).unwrap();
    let app = TestApp::restart(env).await;
    testkit::eventually("the account is deleted again", || async {
        (app.sign_in(EMAIL, PASSWORD).await.status == 401).then_some(())
    })
    .await;
    let client = app.client().bearer(&bob.access_token);
    assert_eq!(
        client.get(DELETION).await.expect(200).json()["status"],
        json!("requested")
    );
    agree(&app, &bob, 2).await;
    let env = app.stop().await;
    let conn = rusqlite::Connection::open(env.database::<Auth>()).unwrap();
    let hashes = "SELECT count(*) FROM users WHERE password_hash <> '$argon2id$none'";
    assert_eq!(conn.query_row(hashes, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[tokio::test]
async fn requests_are_limited_like_the_mails_about_them() {
    let app = TestApp::new().await;
    let ada = app.sign_up(EMAIL).await;
    let client = app.client().bearer(&ada.access_token);
    for _ in 0..5 {
        let _ = request(&client).await.expect(202);
        let _ = request(&client).await.expect(202);
        let _ = withdraw(&client).await.expect(200);
    }
    let _ = request(&client).await.expect(429).problem();
    app.current_user(&ada.access_token).await.expect(200).json();
    app.stop().await;
}
