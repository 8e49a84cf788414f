//! The commands for operators, as processes.

use std::process::{Command, Output};

use ticket::Ticket;

use crate::{concert, sell, test_app::TestApp};

/// Runs `ticketing-ticket`, without the environment variables of the machine.
fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ticketing-ticket"))
        .args(arguments)
        .env_clear()
        .output()
        .unwrap()
}

fn succeed(arguments: &[&str]) -> String {
    let output = run(arguments);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {stdout}{stderr}");
    stdout
}

fn fail(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(!output.status.success(), "{arguments:?}: {}", text(&output.stdout));
    text(&output.stderr)
}

fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let raw = text
        .chars()
        .find(|character| character.is_control() && *character != '\n');
    assert_eq!(raw, None, "{text:?}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_messages_are_listed_redriven_and_discarded_by_id() {
    let app = TestApp::new().await;
    let (_, seller) = app.user();
    let _ = sell(&seller, concert(1)).await;
    let hostile = "\x1b]0;owned\x07\r\n\u{9b}31m\u{7f}";
    app.env
        .send_foreign("ticket", hostile, "\x1b[2J", b"\x1b[31m\x00\r\n{\"a\":\"\xc2\x9b\"}")
        .await;
    app.env.send_foreign("ticket", "plain", "event", b"{}").await;
    let (url, namespace) = (testkit::amqp_url_with_password(), app.env.namespace().to_string());
    let broker = ["--amqp-url", url.as_str(), "--namespace", namespace.as_str()];
    let parked = |words: &[&'static str]| [&["parked"][..], words, &broker].concat();
    let listed = testkit::eventually("both messages are parked", || async {
        let listed = succeed(&parked(&["list"]));
        listed.starts_with("2 parked\n").then_some(listed)
    })
    .await;
    assert_eq!(listed.lines().count(), 3, "one line for each message: {listed}");
    assert!(
        listed.contains(r"\u{1b}]0;owned\u{7}\r\n\u{9b}31m\u{7f} \u{1b}[2J of unknown"),
        "{listed}"
    );
    let options_first = [&["parked"][..], &broker, &["list"]].concat();
    assert_eq!(succeed(&options_first), listed);

    let shown = succeed(&parked(&["show", hostile]));
    assert!(shown.contains(r#"\u{1b}[31m\u{0}\r\n{"a":"\u{9b}"}"#), "{shown}");
    for verb in ["show", "redrive", "discard"] {
        let error = fail(&parked(&[verb, "\x1bunknown"]));
        assert!(error.contains(r"no message \u{1b}unknown is parked"), "{error}");
    }
    assert_eq!(succeed(&parked(&["discard", "plain"])), "1 deleted\n");
    assert!(fail(&parked(&["redrive", "plain"])).contains("no message plain is parked"));
    assert_eq!(succeed(&parked(&["discard", "all"])), "1 deleted\n");
    assert_eq!(
        succeed(&parked(&["redrive", "all"])),
        "0 delivered to the service again\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_change_something_are_recorded_with_the_system_user() {
    let mut app = TestApp::new().await;
    app.env.send_foreign("ticket", "plain", "event", b"{}").await;
    let (url, namespace) = (testkit::amqp_url_with_password(), app.env.namespace().to_string());
    let database = app.env.database::<Ticket>();
    let copy = database.with_extension("copy");
    let at = ["--database", database.to_str().unwrap()];
    let broker = ["--amqp-url", url.as_str(), "--namespace", namespace.as_str()];
    let parked = |words: &[&'static str]| [&["parked"][..], words, &broker, &at].concat();
    testkit::eventually("the message is parked", || async {
        succeed(&parked(&["list"])).starts_with("1 parked").then_some(())
    })
    .await;
    fail(&parked(&["redrive", "unknown"]));
    succeed(&parked(&["discard", "plain"]));
    for command in ["republish", "rehear", "check"] {
        succeed(&[&[command][..], &at].concat());
    }
    succeed(&[&["backup", copy.to_str().unwrap()][..], &at].concat());
    app.stop().await;
    succeed(&[&["restore", "--force", copy.to_str().unwrap()][..], &at].concat());

    let log = succeed(&[&["audit", "--who", "operator"][..], &at].concat());
    let rows: Vec<_> = log
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(row["actor"], audit::operator());
            ["action", "subject", "result"].map(|name| row[name].as_str().unwrap().to_owned())
        })
        .collect();
    let rows: Vec<_> = rows.iter().map(|row| row.each_ref().map(String::as_str)).collect();
    assert_eq!(
        rows,
        [
            ["parked-redrive", "unknown", "started"],
            ["parked-redrive", "unknown", "failed"],
            ["parked-discard", "plain", "started"],
            ["parked-discard", "plain", "ok"],
            ["republish", "ticket", "ok"],
            ["rehear", "ticket", "ok"],
            ["restore", copy.to_str().unwrap(), "ok"],
        ]
    );
    assert_eq!(
        succeed(&[&["audit", "--action", "rehear"][..], &at].concat())
            .lines()
            .count(),
        1
    );
}

#[test]
fn a_database_that_is_created_by_hand_has_that_in_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("ticket.db");
    let at = ["--database", database.to_str().unwrap()];
    for _ in 0..2 {
        succeed(&[&["migrate"][..], &at].concat());
    }
    let log = succeed(&[&["audit"][..], &at].concat());
    assert_eq!(log.lines().count(), 1, "the second one changed nothing: {log}");
    assert!(log.contains("\"action\":\"migrate\""), "{log}");
}

#[test]
fn a_secret_before_and_after_the_subcommand_is_given_twice() {
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/amqp-url");
    std::fs::write(file, "amqp://localhost").unwrap();
    let error = fail(&[
        "parked",
        "--amqp-url",
        "amqp://localhost",
        "list",
        "--amqp-url-file",
        file,
    ]);
    assert!(error.contains("--amqp-url is given twice"), "{error}");
}
