use std::time::Duration;

use chassis::Service;
use db::admin;
use notification::Notification;

use crate::test_app::{TestApp, recipients};

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
            let waiting = events::examples::account_mail(env.now(), &ada);
            let waiting = events::AccountMail {
                kind: events::AccountMailKind::SecondFactorEnabled,
                sealed_token: None,
                expires_at: None,
                ..waiting
            };
            env.publish("auth", events::Event::AccountMailRequested(waiting)).await;
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
