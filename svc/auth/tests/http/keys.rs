use auth::{Auth, Command, KeysCommand};
use chassis::Service;
use db::{Db, admin};
use testkit::eventually;
use values::Clock;

use crate::test_app::{PASSWORD, Session, TestApp};

const REVOKE: KeysCommand = KeysCommand::Revoke {
    lost_encryption_key: false,
};

/// Runs a subcommand of `keys`, and returns its output.
async fn keys_command(db: &Db, what: KeysCommand) -> String {
    let command = Command::Keys {
        encryption_key: None,
        what,
    };
    Auth::command(command, db.clone(), Clock::system()).await.unwrap()
}

#[tokio::test]
async fn a_rotated_key_signs_without_a_restart_and_the_tokens_of_the_old_one_stay_valid() {
    let app = TestApp::new().await;
    let old = app.sign_up("ada@example.com").await;

    // Another process, as `ticketing-auth keys rotate` is.
    let db = Db::open(&app.env.database::<Auth>(), &Auth::SCHEMA).unwrap();
    let rotated = keys_command(&db, KeysCommand::Rotate).await;
    let listed = keys_command(&db, KeysCommand::List).await;
    db.close().await;
    let kid = rotated.split_once(' ').unwrap().0;
    let lines = listed.lines().collect::<Vec<_>>();
    assert!(
        lines[0] == "2 keys" && lines[1].starts_with(kid) && lines[1].ends_with("signs"),
        "{listed}"
    );
    assert!(lines[2].contains("verifies until"), "{listed}");

    let new = eventually("the new key signs", || async {
        let reply = app.sign_in("ada@example.com", PASSWORD).await.expect(200);
        let session = Session::from_reply(&reply);
        (jsonwebtoken::decode_header(&session.access_token)
            .unwrap()
            .kid
            .as_deref()
            == Some(kid))
        .then_some(session)
    })
    .await;
    assert_eq!(app.published_keys().await, 2);
    for access in [&old.access_token, &new.access_token] {
        app.current_user(access).await.expect(200).json();
    }
    app.stop().await;
}

#[tokio::test]
async fn tokens_of_revoked_keys_are_invalid_and_users_can_sign_in_again() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    app.sign_up("bob@example.com").await;

    // Another process, as `ticketing-auth keys revoke` is.
    let db = Db::open(&app.env.database::<Auth>(), &Auth::SCHEMA).unwrap();
    keys_command(&db, KeysCommand::Rotate).await;
    let output = keys_command(&db, REVOKE).await;
    let listed = keys_command(&db, KeysCommand::List).await;
    db.close().await;
    assert!(output.contains(", 2 sessions are ended"), "{output}");
    let kid = jsonwebtoken::decode_header(&ada.access_token).unwrap().kid.unwrap();
    app.env
        .wait_for_event(|event| event.as_signing_key().is_some_and(|revoked| revoked.kid == kid))
        .await;
    assert_eq!(listed.lines().count(), 2, "no earlier key is left: {listed}");

    let current = || async { app.current_user(&ada.access_token).await };
    eventually("the earlier token is refused", || async {
        (current().await.status == 401).then_some(())
    })
    .await;
    app.refresh(&ada.refresh_token).await.expect(401).problem();
    assert_eq!(app.published_keys().await, 1);
    let reply = app.sign_in("ada@example.com", PASSWORD).await;
    let renewed = Session::from_reply(&reply.expect(200));
    app.current_user(&renewed.access_token).await.expect(200).json();
    app.refresh(&renewed.refresh_token).await.expect(200).json();
    let env = app.stop().await;
    let found = admin::check(&env.database::<Auth>(), &Auth::SCHEMA, Auth::INVARIANTS).unwrap();
    assert!(found.is_empty(), "{found:?}");
}
