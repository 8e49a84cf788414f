//! What users state about themselves, and what other services receive of it.

use auth::Auth;
use db::admin;
use events::Account;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, Reply};
use values::Language;

use crate::test_app::{CURRENT_USER, PASSWORD, SIGN_UP, Session, TestApp, credentials};

async fn change(client: &Client, change: Value) -> Reply {
    client.send(Method::PATCH, CURRENT_USER, Some(change.to_string())).await
}

/// Waits for a state of the account with this version.
async fn published(app: &TestApp, user_id: &str, version: u64) -> Account {
    let event = app.env.wait_for_event(|event| {
        let account = event.as_account();
        account.is_some_and(|account| account.id.to_string() == user_id && account.version == version)
    });
    event.await.as_account().unwrap().clone()
}

#[tokio::test]
async fn other_services_receive_the_accounts_and_their_changes() {
    let app = TestApp::new().await;
    let mut body = credentials("Ada@example.com", PASSWORD);
    body["name"] = json!("  Ada  Lovelace ");
    body["language"] = json!("de");
    let ada = Session::from_reply(&app.client().post(SIGN_UP, body).await.expect(201));
    let created = published(&app, &ada.user_id, 1).await;
    assert_eq!(created.email.as_deref(), Some("Ada@example.com"));
    assert_eq!(created.name.as_deref(), Some("Ada  Lovelace"));
    assert_eq!((created.language, created.email_confirmed_at), (Language::German, None));

    let client = app.client().bearer(&ada.access_token);
    let changed = change(&client, json!({"language": "en"})).await.expect(200).json();
    assert_eq!(
        (&changed["name"], &changed["language"]),
        (&json!("Ada  Lovelace"), &json!("en"))
    );
    assert_eq!(published(&app, &ada.user_id, 2).await.language, Language::English);
    let same = change(&client, json!({"language": "en"})).await.expect(200).json();
    assert_eq!(same, changed);
    let removed = change(&client, json!({"name": null})).await.expect(200).json();
    assert_eq!(removed["name"], Value::Null);
    assert_eq!(
        published(&app, &ada.user_id, 3).await.name,
        None,
        "the same again is no change"
    );
    assert_eq!(client.get(CURRENT_USER).await.expect(200).json(), removed);
    app.stop().await;
}

#[tokio::test]
async fn the_language_of_a_browser_is_that_of_its_user() {
    let app = TestApp::new().await;
    for (email, header, language) in [
        ("ada@example.com", "de-CH, fr;q=0.9, en;q=0.5", "de"),
        ("bob@example.com", "fr", "en"),
    ] {
        let client = app.client().with("accept-language", header);
        let reply = client.post(SIGN_UP, credentials(email, PASSWORD)).await.expect(201);
        assert_eq!(reply.text_at("/user/language"), language);
    }
    app.stop().await;
}

#[tokio::test]
async fn a_name_is_one_line_of_visible_text() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    let client = app.client().bearer(&ada.access_token);
    for (body, field) in [
        (json!({"name": ""}), "name"),
        (json!({"name": " \u{200b} "}), "name"),
        (json!({"name": "Ada\nLovelace"}), "name"),
        (json!({"name": "a".repeat(101)}), "name"),
        (json!({"name": 1}), "name"),
        (json!({"language": "fr"}), "language"),
        (json!({"email": "bob@example.com"}), "email"),
    ] {
        let reply = change(&client, body).await.expect(422);
        assert_eq!(reply.problem(), ("invalid-fields".to_owned(), field.to_owned()));
    }
    let longest = "ä".repeat(100);
    let reply = change(&client, json!({"name": longest})).await.expect(200);
    assert_eq!(reply.text_at("/name"), longest);
    app.stop().await;
}

#[tokio::test]
async fn an_account_that_was_created_after_the_backup_is_restored_without_its_password() {
    let app = TestApp::new().await;
    let bob = app.sign_up("bob@example.com").await;
    let (database, backup) = (
        app.env.database::<Auth>(),
        app.env.database::<Auth>().with_extension("bak"),
    );
    admin::backup(&database, &backup).unwrap();
    let ada = app.sign_up("ada@example.com").await;
    published(&app, &ada.user_id, 1).await;
    let client = app.client().bearer(&bob.access_token);
    let _ = change(&client, json!({"name": "Bob"})).await.expect(200);
    published(&app, &bob.user_id, 2).await;
    let env = app.stop().await;

    admin::restore(&backup, &database, &<Auth as chassis::Service>::SCHEMA, true).unwrap();
    let app = TestApp::restart(env).await;
    let current = app.current_user(&bob.access_token).await.expect(200);
    assert_eq!(current.text_at("/name"), "Bob");
    let taken = app
        .client()
        .post(SIGN_UP, credentials("Ada@example.com", PASSWORD))
        .await;
    assert_eq!(taken.expect(409).problem().0, "email-taken");
    app.sign_in("ada@example.com", PASSWORD).await.expect(401).problem();
    app.sign_in("ada@example.com", "$argon2id$none")
        .await
        .expect(401)
        .problem();
    app.stop().await;
}
