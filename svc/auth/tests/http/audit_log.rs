//! The audit log of the service, as its subcommand prints it.

use std::process::Command as Process;

use auth::{Auth, Command, KeysCommand};
use chassis::Service;
use db::Db;
use reqwest::Method;
use serde_json::Value;
use testkit::TestEnv;
use values::Clock;

use crate::test_app::{PASSWORD, SIGN_OUT, Session, TestApp};

/// Runs `ticketing-auth audit`, without the environment variables of the machine.
fn print_log(env: &TestEnv, filter: &[&str]) -> String {
    let output = Process::new(env!("CARGO_BIN_EXE_ticketing-auth"))
        .arg("audit")
        .arg("--database")
        .arg(env.database::<Auth>())
        .args(filter)
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the rows, each as action, actor, subject and result.
fn rows(env: &TestEnv, filter: &[&str]) -> Vec<[String; 4]> {
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        ["action", "actor", "subject", "result"].map(|name| row[name].as_str().unwrap_or_default().to_owned())
    };
    print_log(env, filter).lines().map(row).collect()
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
    let db = Db::open(&app.env.database::<Auth>(), &Auth::SCHEMA).unwrap();
    Auth::command(rotate, db.clone(), Clock::system()).await.unwrap();
    db.close().await;

    let found = rows(&app.env, &["--who", &ada.user_id]);
    let actions: Vec<_> = found.iter().map(|row| (&*row[0], &*row[3])).collect();
    assert_eq!(
        actions,
        [("sign-up", "ok"), ("sign-in", "ok"), ("session-end", "signed-out")]
    );
    assert!(found.iter().all(|row| row[1] == ada.user_id));
    assert_eq!(found[1][2], found[2][2], "the same session");
    let operator = rows(&app.env, &["--action", "keys-rotate"]);
    assert_eq!(operator.len(), 1);
    assert_eq!(operator[0][1], audit::operator(), "the system user");
    assert_eq!(rows(&app.env, &["--who", "operator"]), operator);

    // Failures are written once a minute, and when the service stops.
    let env = app.stop().await;
    let printed = print_log(&env, &[]);
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
    let env = app.stop().await;
    let printed = print_log(&env, &["--result", "wrong-credentials"]);
    let row: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&row["subject"], &row["count"]), (&ada.user_id.into(), &3.into()));
    assert_eq!(row["actor"], Value::Null, "who guessed is not known");
}

#[tokio::test]
async fn sign_ins_of_one_account_do_not_fill_the_log() {
    let app = TestApp::new().await;
    app.sign_up("ada@example.com").await;
    for _ in 0..25 {
        let _ = app.sign_in("ada@example.com", PASSWORD).await.expect(200);
    }
    let env = app.stop().await;
    let printed = print_log(&env, &["--action", "sign-in", "--result", "ok"]);
    let counts: Vec<_> = printed
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["count"].as_u64().unwrap())
        .collect();
    assert!(
        counts.len() <= 22,
        "20 rows, and a count for one or two hours: {counts:?}"
    );
    assert_eq!(counts.iter().sum::<u64>(), 25);
}
