//! `stack dev` as a person meets it.

use std::{fs, net::TcpListener, process::Command};

use serde_json::json;
use stripe_sim::{Config, Sim, Target, Timing};

use crate::{
    Client,
    child::{Child, Ended, dev, run},
    home::Home,
    person::Person,
};

/// It ended with one sentence, and with exit code 1.
#[track_caller]
fn assert_refused(ended: &Ended, sentence: &str) {
    assert_eq!(ended.code, Some(1), "{}", ended.said);
    let told = ended
        .said
        .lines()
        .filter(|line| !line.starts_with("ticketing: starting "))
        .collect::<Vec<_>>();
    assert_eq!(told.len(), 1, "{}", ended.said);
    assert!(told[0].contains(sentence), "{}", ended.said);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_everything_behind_one_door_and_ctrl_c_stops_it() {
    let home = Home::new();
    let child = Child::start(dev(&home.data()));
    let at = Client::new(&child.url);
    for path in [
        "/",
        "/docs",
        "/openapi.json",
        "/health",
        "/api/v1/tickets",
        "/api/v1/auth/jwks.json",
    ] {
        let _ = at.get(path).await.expect(200);
    }
    for path in [
        "/api/v1/orders",
        "/api/v1/payments",
        "/api/v1/expirations/01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e",
    ] {
        assert_eq!(at.get(path).await.expect(401).problem().0, "unauthorized");
    }
    for path in ["/nowhere", "/api/v1/nowhere", "/api/v1/ticketsandmore"] {
        assert_eq!(at.get(path).await.expect(404).problem().0, "not-found");
    }
    // A browser keeps its connections.
    let browser = reqwest::Client::new();
    browser
        .get(format!("{}/docs", child.url))
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();

    let began = std::time::Instant::now();
    child.signal("INT");
    let ended = child.ended();
    assert_eq!(ended.code, Some(130), "{}", ended.said);
    assert!(ended.said.contains("ticketing: stopped"), "{}", ended.said);
    assert!(began.elapsed().as_secs() < 8, "{:?}", began.elapsed());
    drop(browser);
    home.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_does_not_wait_for_anything() {
    let (home, key) = (Home::new(), "sk_test_slow");
    let double = Sim::in_memory(Config::new(key)).unwrap();
    let bank = double.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut command = dev(&home.data());
    command
        .args(["--stripe-url", &bank.url])
        .env("TICKETING_STRIPE_SECRET_KEY", key);
    let child = Child::start(command);
    let at = Client::new(&child.url);
    let (ada, bert) = (Person::sign_up(&at).await, Person::sign_up(&at).await);
    let order = bert.holds(&ada.lists(json!({})).await, 1).await;
    let hold = double.hold(Target::post("/v1/payment_intents"), Timing::Before);
    let request = reqwest::Client::new()
        .post(format!("{}/api/v1/payments", child.url))
        .bearer_auth(&bert.token);
    let request = request.json(&json!({"orderId": order, "token": "tok_visa"}));
    let paying = tokio_util::task::TaskTracker::new().spawn(request.send());
    hold.wait_for_request().await;

    child.signal("INT");
    child.says("stopping");
    let began = std::time::Instant::now();
    child.signal("INT");
    assert_eq!(child.ended().code, Some(130));
    assert!(began.elapsed().as_secs() < 3, "{:?}", began.elapsed());
    assert!(paying.await.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_has_its_share_also_of_what_the_double_takes() {
    let home = Home::new();
    let mut command = dev(&home.data());
    command.args(["--platform-fee-basis-points", "1000"]);
    let child = Child::start(command);
    let at = Client::new(&child.url);
    let (ada, bert) = (Person::sign_up(&at).await, Person::sign_up(&at).await);
    bert.buys(&bert.holds(&ada.lists(json!({})).await, 1).await).await;
    let share = [
        ("/currencies/0/sold", json!(1999)),
        ("/currencies/0/fees", json!(199)),
        ("/currencies/0/net", json!(1800)),
    ];
    ada.waits_for("/api/v1/payments/balance", &share).await;
    child.stop();
    home.assert_sound();
}

#[test]
fn a_port_that_is_taken_is_named() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut command = dev(&home.data());
    command.args(["--port", &port.to_string()]);
    assert_refused(&run(command), &format!("127.0.0.1:{port} is taken"));
}

#[test]
fn a_broker_that_does_not_answer_is_named() {
    let home = Home::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = dev(&home.data());
    command.env("TICKETING_AMQP_URL", format!("amqp://guest:s3cret@{closed}/%2f"));
    let ended = run(command);
    assert_refused(&ended, &closed.to_string());
    assert!(!ended.said.contains("s3cret"), "{}", ended.said);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let home = Home::new();
    let file = home.data();
    fs::write(&file, "").unwrap();
    assert_refused(
        &run(dev(&file.join("data"))),
        "/data/data cannot be used: Not a directory",
    );
}

#[test]
fn a_folder_that_another_stack_uses_is_named() {
    let home = Home::new();
    let first = Child::start(dev(&home.data()));
    assert_refused(&run(dev(&home.data())), "is in use");
    first.stop();
}

#[test]
fn all_mistakes_of_the_command_line_are_named_at_once() {
    let home = Home::new();
    let mut command = dev(&home.data());
    command.args([
        "--bind",
        "here",
        "--order-window-seconds",
        "5",
        "--max-tickets-per-order",
        "0",
    ]);
    command.args(["--amqp-url", "http://host", "--stripe-secret-key", "pk_1"]);
    let ended = run(command);
    assert_eq!(ended.code, Some(1));
    for flag in [
        "--bind",
        "--order-window-seconds",
        "--max-tickets-per-order",
        "--amqp-url",
        "--stripe-secret-key",
    ] {
        assert!(ended.said.contains(&format!("{flag}: ")), "{}", ended.said);
    }
    assert!(!ended.said.contains("pk_1"), "{}", ended.said);
    assert!(!home.data().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_continues_from_the_data_of_the_first() {
    let home = Home::new();
    let child = Child::start(dev(&home.data()));
    let at = Client::new(&child.url);
    let (ada, bert) = (Person::sign_up(&at).await, Person::sign_up(&at).await);
    let ticket = ada.lists(json!({})).await;
    let order = bert.holds(&ticket, 1).await;
    child.stop();

    let child = Child::start(dev(&home.data()));
    let (ada, bert) = (ada.at(&child.url), bert.at(&child.url));
    let _ = bert.client().get("/api/v1/auth/users/current").await.expect(200);
    bert.buys(&order).await;
    ada.counts(&ticket, 0, 1).await;
    child.stop();
    let checked = Command::new(env!("CARGO_BIN_EXE_stack"))
        .args(["check", "--data"])
        .arg(home.data())
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    home.assert_sound();
}
