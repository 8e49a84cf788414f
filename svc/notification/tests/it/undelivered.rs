use std::process::{Command, Output};

use notification::Notification;
use testkit::{SmtpFault, eventually};

use crate::test_app::TestApp;

fn undelivered(app: &TestApp, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ticketing-notification"))
        .args([
            "undelivered",
            "--database",
            app.env.database::<Notification>().to_str().unwrap(),
        ])
        .args(arguments)
        .env_clear()
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_lists_retries_and_discards_undelivered_mail() {
    let app = TestApp::new().await;
    let (ada, grace) = (
        app.sign_up("ada@example.com").await,
        app.sign_up("grace@example.com").await,
    );
    for _ in 0..2 {
        app.sink.fail_next(SmtpFault::Recipient("550 no such mailbox"));
    }
    let (first, second) = (
        app.request_password_mail(&ada).await,
        app.request_password_mail(&grace).await,
    );
    let listed = eventually("both are given up", async || {
        let listed = text(&undelivered(&app, &["list"]));
        listed.starts_with("2 mails").then_some(listed)
    })
    .await;
    assert!(listed.contains(&format!("{} ", first.id)), "{listed}");
    assert!(
        listed.contains("password-changed to ada@example.com: ") && listed.contains("550"),
        "{listed}"
    );
    let shown = text(&undelivered(&app, &["show", &first.id.to_string()]));
    assert!(
        shown.contains("state: undelivered") && shown.contains("attempts: 1"),
        "{shown}"
    );

    assert_eq!(
        text(&undelivered(&app, &["retry", &first.id.to_string()])).trim(),
        "1 mails are sent again"
    );
    // The command uses the clock of the machine.
    app.advance(std::time::Duration::from_mins(1));
    app.sink.wait_for(1).await;
    assert_eq!(
        text(&undelivered(&app, &["discard", &second.id.to_string()])).trim(),
        "1 mails are discarded"
    );
    assert_eq!(text(&undelivered(&app, &["list"])).trim(), "0 mails");
    let again = undelivered(&app, &["retry", &second.id.to_string()]);
    assert!(!again.status.success(), "a discarded mail is not sent");
    app.service.stop().await;
    let log = app.env.audit_log::<Notification>();
    let actions: Vec<_> = log
        .iter()
        .map(|row| (row.action.as_str(), row.subject.clone().unwrap()))
        .collect();
    assert_eq!(
        actions,
        [
            ("undelivered retry", first.id.to_string()),
            ("undelivered discard", second.id.to_string()),
        ]
    );
}
