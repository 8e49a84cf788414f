//! The audit log of the service, as its subcommand prints it.

use auth::{AuditFilter, Auth, Command, KeysCommand};
use chassis::Service;
use db::Db;
use reqwest::Method;
use serde_json::Value;
use testkit::TestEnv;
use values::Clock;

use crate::test_app::{PASSWORD, SIGN_OUT, Session, TestApp};

async fn run(env: &TestEnv, command: Command) -> String {
    let db = Db::open(&env.database::<Auth>(), &Auth::SCHEMA).unwrap();
    let printed = Auth::command(command, db.clone(), Clock::system()).await.unwrap();
    db.close().await;
    printed
}

/// Returns the rows, each as action, actor, subject and result.
async fn rows(env: &TestEnv, filter: AuditFilter) -> Vec<[String; 4]> {
    let printed = run(env, Command::Audit(filter)).await;
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        ["action", "actor", "subject", "result"].map(|name| row[name].as_str().unwrap_or_default().to_owned())
    };
    printed.lines().map(row).collect()
}

#[tokio::test]
async fn sign_ins_their_failures_session_ends_and_operator_commands_are_recorded() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    let wrong = "a wrong password";
    app.sign_in("ada@example.com", wrong).await.expect(401).problem();
    app.sign_in("nobody@example.com", wrong).await.expect(401).problem();
    let again = Session::from_reply(&app.sign_in("ada@example.com", PASSWORD).await.expect(200));
    let client = app.client().bearer(&again.access_token);
    client.send(Method::POST, SIGN_OUT, None).await.expect(200).json();
    let rotate = Command::Keys {
        encryption_key: None,
        what: KeysCommand::Rotate,
    };
    run(&app.env, rotate).await;

    let mine = AuditFilter {
        who: Some(ada.user_id.clone()),
        ..AuditFilter::default()
    };
    let found = rows(&app.env, mine.clone()).await;
    let actions: Vec<_> = found.iter().map(|row| (&*row[0], &*row[3])).collect();
    assert_eq!(
        actions,
        [("sign-up", "ok"), ("sign-in", "ok"), ("session-end", "signed-out")]
    );
    assert!(found.iter().all(|row| row[1] == ada.user_id));
    assert_eq!(found[1][2], found[2][2], "the same session");
    let operator = AuditFilter {
        action: Some("keys-rotate".to_owned()),
        ..AuditFilter::default()
    };
    assert_eq!(rows(&app.env, operator).await[0][1], "operator");

    // Failures are written once a minute, and when the service stops.
    let env = app.stop().await;
    let printed = run(&env, Command::Audit(AuditFilter::default())).await;
    for secret in [PASSWORD, wrong, &ada.access_token, &ada.refresh_token, "example.com"] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert!(printed.contains("\"network\":\"127.0.0.1/32\""), "{printed}");
    assert!(printed.contains("wrong-credentials"), "{printed}");
}

#[tokio::test]
async fn failed_sign_ins_of_a_minute_are_one_row_with_their_number() {
    let app = TestApp::new().await;
    let ada = app.sign_up("ada@example.com").await;
    for _ in 0..3 {
        app.sign_in("ada@example.com", "wrong").await.expect(401).problem();
    }
    let failures = AuditFilter {
        result: Some("wrong-credentials".to_owned()),
        ..AuditFilter::default()
    };
    let env = app.stop().await;
    let printed = run(&env, Command::Audit(failures)).await;
    let row: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&row["subject"], &row["count"]), (&ada.user_id.into(), &3.into()));
    assert_eq!(row["actor"], Value::Null, "who guessed is not known");
}
