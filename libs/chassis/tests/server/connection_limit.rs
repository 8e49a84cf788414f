use std::time::Duration;

use bytes::Bytes;
use chassis::ServerLimits;
use tokio::{net::TcpStream, task::JoinSet, time::timeout};

use crate::{
    http2::{connect, request},
    raw_client::{RawClient, WAIT_TIMEOUT},
    test_server::{TestServer, patient},
};

fn limits(connections: usize, reserved_connections: usize) -> ServerLimits {
    ServerLimits {
        connections,
        reserved_connections,
        ..patient()
    }
}

#[tokio::test]
async fn beyond_the_maximum_health_and_metrics_are_served_and_nothing_else() {
    let server = TestServer::start(limits(2, 2)).await;
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut client = RawClient::connect(server.addr).await;
        client.get("/wait").await;
        busy.push(client);
    }
    server.wait_for_requests(2).await;
    for path in ["/health/live", "/health/ready", "/metrics"] {
        let mut client = RawClient::connect(server.addr).await;
        client.get(path).await;
        let response = client.read_to_end().await;
        assert!(response.starts_with("HTTP/1.1 200 "), "{path}: {response}");
        assert!(response.contains("connection: close"), "{path}: {response}");
    }
    for path in ["/", "/api/v1/orders", "/docs"] {
        let mut client = RawClient::connect(server.addr).await;
        client.get(path).await;
        let response = client.read_to_end().await;
        assert!(response.starts_with("HTTP/1.1 503 "), "{path}: {response}");
        for part in [
            "application/problem+json",
            "connection: close",
            "retry-after: ",
            "x-request-id: ",
        ] {
            assert!(response.contains(part), "{path}: no {part} in {response}");
        }
    }
    server.permits.add_permits(2);
    for mut client in busy {
        assert!(client.response().await.unwrap().ends_with("waited"));
    }
}

#[tokio::test]
async fn silent_connections_beyond_the_maximum_do_not_keep_health_checks_out() {
    let server = TestServer::start(limits(1, 3)).await;
    let mut busy = RawClient::connect(server.addr).await;
    busy.get("/wait").await;
    server.wait_for_requests(1).await;
    let mut silent = Vec::new();
    for _ in 0..10 {
        silent.push(RawClient::connect(server.addr).await);
    }
    let mut check = RawClient::connect(server.addr).await;
    check.get("/health/live").await;
    assert!(check.read_to_end().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn an_idle_connection_gives_its_place_to_a_new_one() {
    let limits = ServerLimits {
        evictable: Duration::ZERO,
        ..limits(1, 1)
    };
    let server = TestServer::start(limits).await;
    let mut idle = RawClient::connect(server.addr).await;
    idle.get("/").await;
    assert!(idle.response().await.is_some());
    let mut new = RawClient::connect(server.addr).await;
    new.get("/").await;
    assert!(new.response().await.unwrap().starts_with("HTTP/1.1 200 "));
    assert_eq!(idle.read_to_end().await, "");
    server.wait_for_close("evicted").await;
}

#[tokio::test]
async fn connections_without_a_place_are_closed_at_once() {
    let server = TestServer::start(limits(1, 1)).await;
    let mut busy = Vec::new();
    for path in ["/wait", "/health/live"] {
        let mut client = RawClient::connect(server.addr).await;
        // The second one has the only reserved place, until its body has been discarded.
        client
            .send(format!(
                "POST {path} HTTP/1.1\r\nhost: test\r\ncontent-length: 100000\r\n\r\n"
            ))
            .await;
        server.wait_for_requests(1).await;
        busy.push(client);
    }
    server
        .wait_for_metric("http_server_connections{service=\"test\"} 2")
        .await;
}

#[tokio::test]
async fn clients_that_do_not_accept_responses_do_not_keep_health_checks_out() {
    let limits = ServerLimits {
        reserved: Duration::ZERO,
        ..limits(1, 2)
    };
    let server = TestServer::start(limits).await;
    let mut busy = RawClient::connect(server.addr).await;
    busy.get("/wait").await;
    server.wait_for_requests(1).await;
    let (mut tasks, mut pinned) = (JoinSet::new(), Vec::new());
    for _ in 0..2 {
        let stream = TcpStream::connect(server.addr).await.unwrap();
        let mut builder = h2::client::Builder::new();
        let handshake = builder.initial_window_size(0).handshake::<_, Bytes>(stream);
        let (client, connection) = handshake.await.unwrap();
        tasks.spawn(async move { drop(connection.await) });
        let mut client = client.ready().await.unwrap();
        let (response, _) = client.send_request(request("/health/live"), true).unwrap();
        // The body waits for the window.
        let response = timeout(WAIT_TIMEOUT, response).await.unwrap().unwrap();
        assert_eq!(response.status(), 200);
        pinned.push((client, response));
    }
    let mut check = RawClient::connect(server.addr).await;
    check.get("/health/live").await;
    assert!(check.read_to_end().await.starts_with("HTTP/1.1 200 "));
    server.wait_for_close("evicted").await;
}

#[tokio::test]
async fn a_connection_beyond_the_maximum_ends_after_its_first_request_over_http2() {
    let server = TestServer::start(limits(1, 1)).await;
    let mut busy = RawClient::connect(server.addr).await;
    busy.get("/wait").await;
    server.wait_for_requests(1).await;
    let mut tasks = JoinSet::new();
    let mut check = connect(&server, &mut tasks).await;
    let (response, _) = check.send_request(request("/health/live"), true).unwrap();
    assert_eq!(timeout(WAIT_TIMEOUT, response).await.unwrap().unwrap().status(), 200);
    // The client keeps its handle: the server ends the connection.
    server.wait_for_close("done").await;
}
