use std::{path::Path, process::Stdio};

use reqwest::Client;
use serde_json::Value;
use stripe_sim::{OpenError, Sim};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::client::{KEY, Stripe, authorisation, config};

const INTENTS: &str = "/v1/payment_intents";

#[tokio::test]
async fn a_response_is_still_there_after_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stripe.db");
    let pairs = authorisation("1999", "tok_visa");

    // Two simulators on one file: the second reads the commits of the first, which was not closed. The same holds for a
    // process that follows a killed one.
    let before = Stripe::with_sim(Sim::open(&file, config()).unwrap()).await;
    let intent = before.post_with_key(INTENTS, &pairs, "attempt-1").await.ok();
    let after = Stripe::with_sim(Sim::open(&file, config()).unwrap()).await;
    let path = format!("{INTENTS}/{}", intent["id"].as_str().unwrap());
    assert_eq!(after.get(&path).await.ok(), intent);
    let replayed = after.post_with_key(INTENTS, &pairs, "attempt-1").await;
    assert_eq!(replayed.headers["idempotent-replayed"], "true");
    assert_eq!(replayed.ok(), intent);
    assert_eq!(
        after.post(&format!("{path}/capture"), &[]).await.ok()["status"],
        "succeeded"
    );
    assert_eq!(after.executions("POST", INTENTS).await, 1);
}

#[tokio::test]
async fn a_simulator_listens_again_at_the_same_address() {
    let Stripe { sim, running, .. } = Stripe::start().await;
    let address = running.address;
    running.shutdown().await;
    let again = sim.serve(address).await.unwrap();
    assert_eq!(again.address, address);
}

#[test]
fn a_newer_file_is_refused_and_so_is_a_file_that_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let newer = folder.path().join("newer.db");
    rusqlite::Connection::open(&newer)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    assert!(matches!(
        Sim::open(&newer, config()),
        Err(OpenError::Newer { found: 99, known: 2 })
    ));
    let text = folder.path().join("text.db");
    std::fs::write(&text, "no database, ".repeat(100)).unwrap();
    assert!(matches!(Sim::open(&text, config()), Err(OpenError::Unusable(_))));
}

/// Starts the program. Returns its process and its URL.
async fn program(database: &Path, more: &[&str]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_stripe-sim"))
        .args(["--listen", "127.0.0.1:0", "--secret-key", KEY, "--database"])
        .arg(database)
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let url = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .next_line()
        .await
        .unwrap()
        .unwrap();
    (child, url)
}

#[tokio::test]
async fn a_killed_program_loses_no_response() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stripe.db");
    let http = Client::builder().no_proxy().build().unwrap();
    let mut paid: Vec<Value> = Vec::new();
    for attempt in 0..5 {
        let (mut child, url) = program(&file, &[]).await;
        let mut request = url::form_urlencoded::Serializer::new(String::new());
        let body = request.extend_pairs(authorisation("1999", "tok_visa")).finish();
        let request = http.post(format!("{url}{INTENTS}")).bearer_auth(KEY).body(body);
        let answer = request
            .header("idempotency-key", format!("attempt-{attempt}"))
            .send()
            .await
            .unwrap();
        paid.push(answer.json().await.unwrap());
        child.kill().await.unwrap();
    }
    let (_child, url) = program(&file, &[]).await;
    let all: Value = http
        .get(format!("{url}/_sim/payment_intents"))
        .bearer_auth(KEY)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(all["data"], Value::Array(paid));
}

#[tokio::test]
async fn the_program_has_several_receivers_each_with_a_secret_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stripe.db");
    let two = ["--webhook-url", "http://127.0.0.1:9/a,http://127.0.0.1:9/b"];
    let secrets = ["--webhook-secret", "whsec_a", "--webhook-secret", "whsec_b"];
    let (_child, url) = program(&file, &[&two[..], &secrets].concat()).await;
    let http = Client::builder().no_proxy().build().unwrap();
    let request = http.get(format!("{url}/v1/webhook_endpoints")).bearer_auth(KEY);
    let all: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(all["data"].as_array().unwrap().len(), 2);

    let mut unpaired = Command::new(env!("CARGO_BIN_EXE_stripe-sim"));
    unpaired.args(["--listen", "127.0.0.1:0"]).args(two).args(&secrets[..2]);
    let ended = unpaired.kill_on_drop(true).output().await.unwrap();
    assert!(!ended.status.success());
}
