use std::time::Duration;

use notification::Notification;
use testkit::{SmtpFault, eventually};

use crate::test_app::{TestApp, recipients, smtp_url};

/// Waits until the mail is queued with a reason that contains `reason`.
async fn wait_for_failure(app: &TestApp, state: &str, reason: &str) {
    let database = app.env.database::<Notification>();
    let what = format!("{state}: {reason}");
    eventually(&what, async || {
        let conn = rusqlite::Connection::open(&database).unwrap();
        let sql = "SELECT count(*) FROM mail WHERE state = ?1 AND reason LIKE '%' || ?2 || '%'";
        let count: i64 = conn.query_row(sql, [state, reason], |row| row.get(0)).unwrap();
        (count == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_refused_for_now_is_sent_later() {
    let mut app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    for (fault, reason) in [
        (SmtpFault::Greeting("421 busy"), "421"),
        (SmtpFault::Greeting("554 no service here"), "554"),
        (SmtpFault::Recipient("451 try again"), "451"),
        (SmtpFault::Content("452 no space"), "452"),
    ] {
        app.sink.fail_next(fault);
        let before = app.sink.mails().len();
        app.request_password_mail(&ada).await;
        wait_for_failure(&app, "queued", reason).await;
        assert_eq!(app.sink.mails().len(), before);
        app.advance(Duration::from_mins(1));
        app.sink.wait_for(before + 1).await;
        // The next connection begins with a greeting.
        app = app.restart_after(async |_| ()).await;
    }
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_without_a_reply_is_repeated_with_the_same_id() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    app.sink.fail_next(SmtpFault::DropAfterData);
    app.request_password_mail(&ada).await;
    wait_for_failure(&app, "queued", "").await;
    app.advance(Duration::from_mins(1));
    let mails = app.sink.wait_for(2).await;
    assert!(!mails[0].is_acknowledged && mails[1].is_acknowledged);
    assert!(mails[0].header("Message-ID").is_some());
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_refused_for_good_is_given_up_and_delays_no_other() {
    let app = TestApp::new().await;
    let (ada, grace) = (
        app.sign_up("ada@example.com").await,
        app.sign_up("grace@example.com").await,
    );
    app.sink.fail_next(SmtpFault::Recipient("550 no such mailbox"));
    app.request_password_mail(&ada).await;
    wait_for_failure(&app, "undelivered", "550").await;
    app.request_password_mail(&grace).await;
    assert_eq!(recipients(&app.all_mails().await), ["grace@example.com"]);
    let ready = app.service.client().get("/health/ready").await;
    assert_eq!(ready.status, 200, "{}", ready.text);
    app.stop_and_check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_and_a_missing_server_are_no_fault_of_the_mail() {
    let app = TestApp::new().await;
    let with_password = format!("smtp://user:wrong@{}", app.sink.address);
    for (url, reason) in [(with_password.as_str(), "535"), ("smtp://127.0.0.1:1", "refused")] {
        let app = TestApp::with(|settings| settings.smtp_url = Some(smtp_url(url))).await;
        let ada = app.sign_up("ada@example.com").await;
        app.request_password_mail(&ada).await;
        wait_for_failure(&app, "queued", reason).await;
        app.advance(Duration::from_hours(25));
        wait_for_failure(&app, "undelivered", reason).await;
        app.stop_and_check().await;
    }
    app.stop_and_check().await;
}
