//! An auth service that was restored from a backup.

use auth::{Auth, Command, KeysCommand};
use chassis::Service;
use db::{Db, admin};
use reqwest::Method;
use values::Clock;

use crate::test_app::{PASSWORD, SIGN_OUT, Session, TestApp};

#[tokio::test]
async fn a_session_that_ended_after_the_backup_stays_ended() {
    let app = TestApp::new().await;
    let (ada, bob) = (
        app.sign_up("ada@example.com").await,
        app.sign_up("bob@example.com").await,
    );
    let (database, backup) = (
        app.env.database::<Auth>(),
        app.env.database::<Auth>().with_extension("bak"),
    );
    admin::backup(&database, &backup).unwrap();
    let client = app.client().bearer(&ada.access_token);
    client.send(Method::POST, SIGN_OUT, None).await.expect(200).json();
    app.env.wait_for_event(|event| event.as_session().is_some()).await;
    let env = app.stop().await;

    admin::restore(&backup, &database, &Auth::SCHEMA, true).unwrap();
    let app = TestApp::restart(env).await;
    app.current_user(&ada.access_token).await.expect(401).problem();
    app.refresh(&ada.refresh_token).await.expect(401).problem();
    app.current_user(&bob.access_token).await.expect(200).json();
    app.refresh(&bob.refresh_token).await.expect(200).json();
    app.stop().await;
}

#[tokio::test]
async fn a_key_that_was_revoked_after_the_backup_stays_revoked() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    let (database, backup) = (
        app.env.database::<Auth>(),
        app.env.database::<Auth>().with_extension("bak"),
    );
    admin::backup(&database, &backup).unwrap();
    let db = Db::open(&database, &Auth::SCHEMA).unwrap();
    let revoke = Command::Keys {
        encryption_key: None,
        what: KeysCommand::Revoke {
            lost_encryption_key: false,
        },
    };
    Auth::command(revoke, db.clone(), Clock::system()).await.unwrap();
    db.close().await;
    app.env.wait_for_event(|event| event.as_signing_key().is_some()).await;
    let env = app.stop().await;

    admin::restore(&backup, &database, &Auth::SCHEMA, true).unwrap();
    let app = TestApp::restart(env).await;
    testkit::eventually("the keys are replaced", || async {
        let refused = app.refresh(&ada.refresh_token).await;
        (refused.status == 401).then_some(())
    })
    .await;
    app.current_user(&ada.access_token).await.expect(401).problem();
    let renewed = Session::from_reply(&app.sign_in("ada@example.com", PASSWORD).await.expect(200));
    app.current_user(&renewed.access_token).await.expect(200).json();
    app.stop().await;
}

#[tokio::test]
async fn a_session_that_was_refreshed_after_the_backup_stays_open() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    let (database, backup) = (
        app.env.database::<Auth>(),
        app.env.database::<Auth>().with_extension("bak"),
    );
    admin::backup(&database, &backup).unwrap();
    let once = Session::from_reply(&app.refresh(&ada.refresh_token).await.expect(200));
    let twice = Session::from_reply(&app.refresh(&once.refresh_token).await.expect(200));
    let env = app.stop().await;

    admin::restore(&backup, &database, &Auth::SCHEMA, true).unwrap();
    let app = TestApp::restart(env).await;
    let next = Session::from_reply(&app.refresh(&twice.refresh_token).await.expect(200));
    let newest = Session::from_reply(&app.refresh(&next.refresh_token).await.expect(200));
    // It was used before the restore.
    app.refresh(&once.refresh_token).await.expect(401).problem();
    app.refresh(&newest.refresh_token).await.expect(401).problem();
    app.stop().await;
}
