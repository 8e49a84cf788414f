use std::time::Duration;

use chassis::ServerLimits;

use crate::{
    raw_client::RawClient,
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
