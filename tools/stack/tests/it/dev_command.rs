//! The command `stack dev`: start, stop, options, refusals.

use std::{fs, net::TcpListener, process::Command, time::Duration};

use serde_json::json;
use stripe_sim::{Config, Sim, Target, Timing};

use crate::{
    Client,
    support::{ProcessExit, StackProcess, TestData, dev_command, run},
    user::User,
};

/// The time for which a server that stops waits for the requests of its connections.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Asserts that the process printed one sentence and ended with exit code 1.
#[track_caller]
fn assert_refused(exit: &ProcessExit, sentence: &str) {
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    let printed = exit
        .stderr
        .lines()
        .filter(|line| !line.starts_with("ticketing: starting "))
        .collect::<Vec<_>>();
    assert_eq!(printed.len(), 1, "{}", exit.stderr);
    assert!(printed[0].contains(sentence), "{}", exit.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn dev_serves_every_service_at_the_front_door_and_ctrl_c_stops_it() {
    let data = TestData::new();
    let process = StackProcess::start(dev_command(&data.folder()));
    let client = process.client();
    for path in [
        "/",
        "/docs",
        "/openapi.json",
        "/health",
        "/api/v1/tickets",
        "/api/v1/auth/jwks.json",
    ] {
        let _ = client.get(path).await.expect(200);
    }
    for path in [
        "/api/v1/orders",
        "/api/v1/payments",
        "/api/v1/expirations/01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e",
    ] {
        assert_eq!(client.get(path).await.expect(401).problem().0, "unauthorized");
    }
    for path in ["/api/nowhere", "/api/v1/nowhere", "/api/v1/ticketsandmore"] {
        assert_eq!(client.get(path).await.expect(404).problem().0, "not-found");
    }
    let _ = Client::new(process.line_of_banner("mails").unwrap())
        .get("/")
        .await
        .expect(200);
    // A browser keeps its connections open.
    let browser = reqwest::Client::new();
    browser
        .get(format!("{}/docs", process.url()))
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();

    let start = std::time::Instant::now();
    process.signal("INT");
    let exit = process.wait();
    assert_eq!(exit.code, Some(130), "{}", exit.stderr);
    assert!(exit.stderr.contains("ticketing: stopped"), "{}", exit.stderr);
    assert!(start.elapsed() < STOP_LIMIT, "{:?}", start.elapsed());
    drop(browser);
    data.assert_consistent();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ctrl_c_stops_at_once() {
    let (data, key) = (TestData::new(), "sk_test_slow");
    let stripe = Sim::in_memory(Config::new(key)).unwrap();
    let stripe_server = stripe.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut command = dev_command(&data.folder());
    command
        .args(["--stripe-url", &stripe_server.url])
        .env("TICKETING_STRIPE_SECRET_KEY", key);
    let process = StackProcess::start(command);
    let client = process.client();
    let (seller, buyer) = (User::sign_up(&client).await, User::sign_up(&client).await);
    let order = buyer.hold_tickets(&seller.list_ticket(json!({})).await, 1).await;
    let hold = stripe.hold(Target::post("/v1/payment_intents"), Timing::Before);
    let request = reqwest::Client::new()
        .post(format!("{}/api/v1/payments", process.url()))
        .bearer_auth(&buyer.token);
    let request = request.json(&json!({"orderId": order, "token": "tok_visa"}));
    let payment = tokio_util::task::TaskTracker::new().spawn(request.send());
    hold.wait_for_request().await;

    process.signal("INT");
    process.wait_for_line("stopping");
    process.signal("INT");
    let exit = process.wait();
    assert_eq!(exit.code, Some(130), "{}", exit.stderr);
    // Stopping in order would end, and print this, when the held request has exceeded the stop limit.
    assert!(!exit.stderr.contains("ticketing: stopped"), "{}", exit.stderr);
    assert!(payment.await.unwrap().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_fee_applies_to_payments_of_the_stripe_simulator() {
    let data = TestData::new();
    let mut command = dev_command(&data.folder());
    command.args(["--platform-fee-basis-points", "1000"]);
    let process = StackProcess::start(command);
    let client = process.client();
    let (seller, buyer) = (User::sign_up(&client).await, User::sign_up(&client).await);
    buyer
        .buy(&buyer.hold_tickets(&seller.list_ticket(json!({})).await, 1).await)
        .await;
    let balance = [
        ("/currencies/0/sold", json!(1999)),
        ("/currencies/0/fees", json!(199)),
        ("/currencies/0/net", json!(1800)),
    ];
    seller.wait_for("/api/v1/payments/balance", &balance).await;
    process.stop();
    data.assert_consistent();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_sends_mails_to_a_server_shows_none() {
    let server = testkit::SmtpSink::start().await;
    let data = TestData::new();
    let mut command = dev_command(&data.folder());
    command.env("SMTP_URL", format!("smtp://{}", server.address));
    let process = StackProcess::start(command);
    let line = process.line_of_banner("mails").unwrap();
    assert!(
        line.starts_with("sent to ") && line.contains(&server.address.port().to_string()),
        "{line}"
    );
    User::sign_up(&process.client()).await;
    server.wait_for(1).await;
    process.stop();
    assert!(!data.folder().join("mail").exists());
}

#[test]
fn a_taken_port_is_named() {
    let data = TestData::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut command = dev_command(&data.folder());
    command.args(["--port", &port.to_string()]);
    assert_refused(&run(command), &format!("127.0.0.1:{port} is taken"));
}

#[test]
fn an_unreachable_broker_is_named() {
    let data = TestData::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = dev_command(&data.folder());
    command.env("TICKETING_AMQP_URL", format!("amqp://guest:s3cret@{closed}/%2f"));
    let exit = run(command);
    assert_refused(&exit, &closed.to_string());
    assert!(!exit.stderr.contains("s3cret"), "{}", exit.stderr);
}

#[test]
fn an_unwritable_data_folder_is_named() {
    let data = TestData::new();
    let file = data.folder();
    fs::write(&file, "").unwrap();
    assert_refused(
        &run(dev_command(&file.join("data"))),
        "/data/data cannot be used: Not a directory",
    );
}

#[test]
fn a_data_folder_in_use_is_named() {
    let data = TestData::new();
    let first = StackProcess::start(dev_command(&data.folder()));
    assert_refused(&run(dev_command(&data.folder())), "is in use");
    first.stop();
}

#[test]
fn all_configuration_errors_are_named_at_once() {
    let data = TestData::new();
    let mut command = dev_command(&data.folder());
    command.args([
        "--bind",
        "here",
        "--order-window-seconds",
        "5",
        "--max-tickets-per-order",
        "0",
    ]);
    command.args(["--amqp-url", "http://host", "--stripe-secret-key", "pk_1"]);
    let exit = run(command);
    assert_eq!(exit.code, Some(1));
    for flag in [
        "--bind",
        "--order-window-seconds",
        "--max-tickets-per-order",
        "--amqp-url",
        "--stripe-secret-key",
    ] {
        assert!(exit.stderr.contains(&format!("{flag}: ")), "{}", exit.stderr);
    }
    assert!(!exit.stderr.contains("pk_1"), "{}", exit.stderr);
    assert!(!data.folder().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_continues_from_the_data_of_the_first() {
    let data = TestData::new();
    let process = StackProcess::start(dev_command(&data.folder()));
    let client = process.client();
    let (seller, buyer) = (User::sign_up(&client).await, User::sign_up(&client).await);
    let ticket = seller.list_ticket(json!({})).await;
    let order = buyer.hold_tickets(&ticket, 1).await;
    process.stop();

    let process = StackProcess::start(dev_command(&data.folder()));
    let (seller, buyer) = (seller.with_url(process.url()), buyer.with_url(process.url()));
    let _ = buyer.client().get("/api/v1/auth/users/current").await.expect(200);
    buyer.buy(&order).await;
    seller.wait_for_stock(&ticket, 0, 1).await;
    process.stop();
    let check = Command::new(env!("CARGO_BIN_EXE_stack"))
        .args(["check", "--data"])
        .arg(data.folder())
        .output()
        .unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    data.assert_consistent();
}
