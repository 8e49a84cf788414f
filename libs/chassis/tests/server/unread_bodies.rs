use chassis::ServerLimits;
use tokio::io::AsyncWriteExt;

use crate::{
    raw_client::RawClient,
    test_server::{TestServer, patient},
};

#[tokio::test]
async fn a_refusal_of_a_large_body_reaches_a_client_that_sends_all_of_it_first() {
    let server = TestServer::start(patient()).await;
    for headers in [
        "content-length: 8388608",
        "content-length: 8388608\r\nexpect: 100-continue",
    ] {
        let mut client = RawClient::connect(server.addr).await;
        client
            .send(format!("POST /refuse HTTP/1.1\r\nhost: test\r\n{headers}\r\n\r\n"))
            .await;
        client.send(vec![b'x'; 8 * 1024 * 1024]).await;
        let response = client.read_to_end().await;
        assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
        assert!(response.contains("connection: close"), "{response}");
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_to_a_client_that_sends_all_of_it_first() {
    let server = TestServer::start(patient()).await;
    let mut client = RawClient::connect(server.addr).await;
    client
        .send("POST /echo HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    let chunk = format!("{:x}\r\n{}\r\n", 1024 * 1024, "x".repeat(1024 * 1024));
    for _ in 0..8 {
        client.send(&chunk).await;
    }
    client.send("0\r\n\r\n").await;
    let response = client.read_to_end().await;
    assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    assert!(response.contains("connection: close"), "{response}");
}

#[tokio::test]
async fn a_small_body_that_nobody_reads_keeps_the_connection() {
    let server = TestServer::start(patient()).await;
    let mut client = RawClient::connect(server.addr).await;
    for _ in 0..3 {
        client
            .send("POST /refuse HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\n\r\nhello")
            .await;
        let response = client.response().await.unwrap();
        assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
        assert!(!response.contains("connection: close"), "{response}");
    }
    client.0.shutdown().await.unwrap();
    assert_eq!(client.read_to_end().await, "");
}

#[tokio::test]
async fn a_refusal_does_not_wait_for_the_body() {
    let server = TestServer::start(patient()).await;
    let mut client = RawClient::connect(server.addr).await;
    client
        .send("POST /refuse HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\n\r\n")
        .await;
    let response = client.response().await.unwrap();
    assert!(response.contains("connection: close"), "{response}");
}

#[tokio::test]
async fn bodies_beyond_what_the_server_may_hold_are_refused_until_others_have_ended() {
    let limits = ServerLimits {
        // One half is for everybody.
        held_body_bytes: 130_000,
        ..patient()
    };
    let server = TestServer::start(limits).await;
    let post = |path: &str| format!("POST {path} HTTP/1.1\r\nhost: test\r\ncontent-length: 60000\r\n\r\n");
    let body = "x".repeat(60_000);
    let mut holder = RawClient::connect(server.addr).await;
    holder.send(post("/hold")).await;
    holder.send(&body).await;
    server.wait_for_requests(1).await;

    let mut refused = RawClient::connect(server.addr).await;
    refused.send(post("/echo")).await;
    refused.send(&body).await;
    let response = refused.response().await.unwrap();
    assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
    for part in ["application/problem+json", "retry-after: "] {
        assert!(response.contains(part), "no {part} in {response}");
    }

    // Those without a body are served.
    let mut other = RawClient::connect(server.addr).await;
    other.get("/").await;
    assert!(other.response().await.unwrap().starts_with("HTTP/1.1 200 "));

    server.permits.add_permits(2);
    assert!(holder.response().await.unwrap().ends_with("60000"));
    other.send(post("/hold")).await;
    other.send(&body).await;
    assert!(other.response().await.unwrap().ends_with("60000"));
}
