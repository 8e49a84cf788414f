use std::time::Duration;

use chassis::Service;
use db::admin;
use events::{Account, AccountMail, AccountMailKind, Event, examples};
use notification::Notification;
use values::Timestamp;

use crate::test_app::{TestApp, recipients, subjects};

/// Returns the request of a mail about the second factor of an account.
fn second_factor_enabled(at: Timestamp, account: &Account) -> Event {
    Event::AccountMailRequested(AccountMail {
        kind: AccountMailKind::SecondFactorEnabled,
        sealed_token: None,
        expires_at: None,
        ..examples::account_mail(at, account)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_does_not_mail_again_what_the_lost_one_has_mailed() {
    let app = TestApp::new().await;
    let (ada, grace) = (
        app.sign_up("ada@example.com").await,
        app.sign_up("grace@example.com").await,
    );
    app.request_password_mail(&ada).await;
    assert_eq!(app.all_mails().await.len(), 1);
    let copy = tempfile::tempdir().unwrap();
    let backup = copy.path().join("backup.db");
    admin::backup(&app.env.database::<Notification>(), &backup).unwrap();
    // Mailed after the backup, and known to the journal alone.
    app.advance(Duration::from_secs(1));
    app.request_password_mail(&grace).await;
    assert_eq!(app.all_mails().await.len(), 2);

    let app = app
        .restart_after(async |env| {
            // In the queue of the service while its disk is lost.
            env.clock.advance(Duration::from_secs(1));
            env.publish("auth", second_factor_enabled(env.now(), &ada)).await;
            admin::restore(&backup, &env.database::<Notification>(), &Notification::SCHEMA, true).unwrap();
        })
        .await;
    let mails = app.all_mails().await;
    assert_eq!(
        recipients(&mails),
        ["ada@example.com", "grace@example.com", "ada@example.com"]
    );
    assert_eq!(mails[2].header("Subject"), Some("The second factor is on"));
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_while_a_restored_service_recovers_is_mailed() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    assert_eq!(app.all_mails().await.len(), 0);
    let copy = tempfile::tempdir().unwrap();
    let backup = copy.path().join("backup.db");
    admin::backup(&app.env.database::<Notification>(), &backup).unwrap();

    let app = app
        .restart_after(async |env| {
            // The journal and the queue have it, and the service starts before it happens.
            let during_recovery = env.now() + Duration::from_secs(1);
            env.publish("auth", second_factor_enabled(during_recovery, &ada)).await;
            admin::restore(&backup, &env.database::<Notification>(), &Notification::SCHEMA, true).unwrap();
        })
        .await;
    assert_eq!(subjects(&app.all_mails().await), ["The second factor is on"]);
    app.stop_and_check().await;
}
