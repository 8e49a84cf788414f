//! Many requests that wait for their password to be hashed.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
};

use auth::Settings;
use testkit::eventually;

use crate::test_app::{PASSWORD, SIGN_UP, TestApp, credentials};

const ACTIVE: &str = r#"http_server_active_requests{service="auth"}"#;
const GRANTED: &str = r#"ticketing_auth_attempts_total{service="auth",operation="sign-up",outcome="granted"}"#;
const BUSY: &str = r#"ticketing_auth_attempts_total{service="auth",operation="sign-up",outcome="busy"}"#;

async fn app_with_one_hasher(settings: Settings) -> TestApp {
    TestApp::behind_a_proxy(Settings {
        password_hashers: Some(1),
        ..settings
    })
    .await
}

/// Sends requests to sign up, each on a connection of its own, and reads no response.
fn flood(address: SocketAddr, requests: u32, client: &str) -> Vec<TcpStream> {
    let send = |number| {
        let mailbox = client.replace(['.', ':'], "-");
        let body = credentials(&format!("{mailbox}-{number}@example.com"), PASSWORD).to_string();
        let mut connection = TcpStream::connect(address).unwrap();
        let length = body.len();
        let request = format!(
            "POST {SIGN_UP} HTTP/1.1\r\nhost: auth\r\nx-forwarded-for: {client}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        connection.write_all(request.as_bytes()).unwrap();
        connection
    };
    (0..requests).map(send).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_leaves_the_queue() {
    let app = app_with_one_hasher(Settings::default()).await;
    let connections = flood(app.address(), 600, "192.0.2.1");
    eventually("requests wait", || async {
        (app.metric(ACTIVE).await > 100).then_some(())
    })
    .await;
    drop(connections);
    // The request for the metrics is active itself.
    eventually("no request waits", || async {
        (app.metric(ACTIVE).await == 1).then_some(())
    })
    .await;
    let granted = app.metric(GRANTED).await;
    assert!(granted < 600, "every password was hashed");
    assert_eq!(app.metric(BUSY).await, 0);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_sign_ups_delays_neither_sign_ins_nor_other_networks() {
    let app = app_with_one_hasher(Settings::default()).await;
    app.sign_up("ada@example.com").await;
    let connections = flood(app.address(), 600, "192.0.2.1");
    eventually("requests wait", || async {
        (app.metric(ACTIVE).await > 100).then_some(())
    })
    .await;
    app.sign_in("ada@example.com", PASSWORD).await.expect(200).json();
    let elsewhere = app.client().with("x-forwarded-for", "192.0.2.2");
    elsewhere
        .post(SIGN_UP, credentials("bob@example.com", PASSWORD))
        .await
        .expect(201)
        .json();
    assert!(app.metric(ACTIVE).await > 1, "both came before the flood has ended");
    drop(connections);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_over_its_share_is_refused_and_others_are_not() {
    let settings = Settings {
        password_queue_per_address: 20,
        ..Settings::default()
    };
    let app = app_with_one_hasher(settings).await;
    // IPv6: one network.
    let mut connections = flood(app.address(), 200, "2001:db8::1");
    connections.extend(flood(app.address(), 200, "2001:db8::ffff:2"));
    eventually("some are refused", || async {
        (app.metric(BUSY).await > 0).then_some(())
    })
    .await;
    let mut refused = None;
    for number in 0.. {
        let reply = app
            .client()
            .with("x-forwarded-for", "2001:db8::3")
            .post(SIGN_UP, credentials(&format!("late{number}@example.com"), PASSWORD))
            .await;
        if reply.status == 429 {
            refused = Some(reply);
            break;
        }
        connections.extend(flood(app.address(), 100, &format!("2001:db8::{number:x}:1")));
    }
    let refused = refused.unwrap();
    assert_eq!(refused.problem().0, "too-many-requests");
    assert_eq!(refused.headers["retry-after"], "10");
    app.client()
        .with("x-forwarded-for", "2001:db8:0:1::1")
        .post(SIGN_UP, credentials("bob@example.com", PASSWORD))
        .await
        .expect(201)
        .json();
    drop(connections);
    app.stop().await;
}
