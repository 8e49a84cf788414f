//! Clients that send their bodies slowly, so that the server holds parts of them.

use std::time::Duration;

use chassis::ServerLimits;
use http::Request;
use tokio::{task::JoinSet, time::timeout};

use crate::{
    http2::connect,
    raw_client::{RawClient, WAIT_TIMEOUT},
    test_server::{TestServer, patient},
};

const ATTACKER: [u8; 4] = [127, 0, 0, 2];
const OTHER: [u8; 4] = [127, 0, 0, 3];

/// The bytes that a server of these tests holds; a connection holds 64 KiB.
const BUDGET: usize = 1024 * 1024;

/// The size of the bodies.
const LENGTH: usize = 60_000;

fn limits(slow_body: Duration) -> ServerLimits {
    ServerLimits {
        held_body_bytes: BUDGET,
        body_share_bytes: 64 * 1024,
        slow_body,
        ..patient()
    }
}

/// Sends all of a body but its last byte.
async fn send_slowly(client: [u8; 4], server: &TestServer) -> RawClient {
    let mut client = RawClient::connect_from(client, server.addr).await;
    client
        .send(format!(
            "POST /length HTTP/1.1\r\nhost: test\r\ncontent-length: {LENGTH}\r\n\r\n"
        ))
        .await;
    client.send("x".repeat(LENGTH - 1)).await;
    client
}

/// Sends a whole body, and returns whether the server takes it.
async fn sends_a_body(client: [u8; 4], server: &TestServer) -> bool {
    let mut client = send_slowly(client, server).await;
    client.send("x").await;
    let response = client.response().await.unwrap();
    assert!(
        ["HTTP/1.1 200 ", "HTTP/1.1 503 "]
            .iter()
            .any(|status| response.starts_with(status)),
        "{response}"
    );
    response.starts_with("HTTP/1.1 200 ")
}

#[tokio::test]
async fn slow_bodies_of_one_network_leave_room_for_others() {
    let server = TestServer::start(limits(Duration::MAX)).await;
    let mut slow = Vec::new();
    for _ in 0..32 {
        slow.push(send_slowly(ATTACKER, &server).await);
    }
    // Those for which there is no room are refused.
    let mut refused = slow.split_off(BUDGET / 2 / LENGTH);
    assert!(
        refused
            .last_mut()
            .unwrap()
            .response()
            .await
            .unwrap()
            .starts_with("HTTP/1.1 503 ")
    );
    for _ in 0..20 {
        assert!(sends_a_body(OTHER, &server).await);
    }
    assert!(!sends_a_body(ATTACKER, &server).await);
    // The slow ones are served in the end.
    for mut client in slow {
        client.send("x").await;
        assert!(client.response().await.unwrap().starts_with("HTTP/1.1 200 "));
    }
    assert!(sends_a_body(ATTACKER, &server).await);
}

#[tokio::test]
async fn slow_bodies_give_way_to_a_prompt_one_of_the_same_network() {
    let server = TestServer::start(limits(Duration::ZERO)).await;
    let mut slow = Vec::new();
    for _ in 0..32 {
        slow.push(send_slowly(ATTACKER, &server).await);
    }
    for _ in 0..20 {
        assert!(sends_a_body(ATTACKER, &server).await);
    }
    let response = slow[0].response().await.unwrap();
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    assert!(response.contains("urn:ticketing:problem:request-timeout"), "{response}");
}

#[tokio::test]
async fn what_waits_in_the_buffers_of_http2_counts() {
    let server = TestServer::start(limits(Duration::MAX)).await;
    let mut tasks = JoinSet::new();
    let mut client = connect(&server, &mut tasks).await;
    let (mut streams, mut responses) = (Vec::new(), Vec::new());
    // The handler reads none of it. A connection has room for four windows.
    for _ in 0..5 {
        let request = Request::post("http://test/wait").body(()).unwrap();
        let (response, mut stream) = client.send_request(request, false).unwrap();
        stream.send_data("x".repeat(10_000).into(), false).unwrap();
        streams.push(stream);
        responses.push(response);
    }
    let last = responses.pop().unwrap();
    let refused = timeout(WAIT_TIMEOUT, last).await.unwrap().unwrap();
    assert_eq!(refused.status(), 503);
    server.wait_for_requests(4).await;
    server.permits.add_permits(4);
    for response in responses {
        assert_eq!(timeout(WAIT_TIMEOUT, response).await.unwrap().unwrap().status(), 200);
    }
    // A body whose length is known needs room for no more.
    let request = |length: usize| {
        let request = Request::post("http://test/wait").header("content-length", length);
        request.body(()).unwrap()
    };
    let mut responses = Vec::new();
    for _ in 0..50 {
        let (response, stream) = client.send_request(request(10), false).unwrap();
        streams.push(stream);
        responses.push(response);
    }
    server.wait_for_requests(50).await;
}
