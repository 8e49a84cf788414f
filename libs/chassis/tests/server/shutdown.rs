use tokio::{net::TcpStream, task::JoinSet};

use crate::{
    raw_client::RawClient,
    test_server::{TestServer, patient},
};

#[tokio::test]
async fn while_a_server_drains_it_serves_and_every_response_closes_its_connection() {
    let server = TestServer::start(patient()).await;
    let mut open = RawClient::connect(server.addr).await;
    open.get("/").await;
    assert!(!open.response().await.unwrap().contains("connection: close"));
    server.shutdown.draining.cancel();
    open.get("/").await;
    assert!(open.read_to_end().await.contains("connection: close"));
    let mut new = RawClient::connect(server.addr).await;
    new.get("/").await;
    assert!(new.read_to_end().await.contains("connection: close"));
    server.stop().await;
}

#[tokio::test]
async fn a_running_request_is_answered_by_a_server_that_stops() {
    let server = TestServer::start(patient()).await;
    let mut client = RawClient::connect(server.addr).await;
    client.get("/wait").await;
    server.wait_for_requests(1).await;
    let ((), response) = tokio::join!(server.stop(), async {
        while TcpStream::connect(server.addr).await.is_ok() {
            tokio::task::yield_now().await;
        }
        server.permits.add_permits(1);
        client.read_to_end().await
    });
    assert!(response.contains("connection: close"), "{response}");
    assert!(response.ends_with("waited"), "{response}");
}

#[tokio::test]
async fn a_server_that_stops_closes_idle_connections() {
    let server = TestServer::start(patient()).await;
    let mut silent = RawClient::connect(server.addr).await;
    let mut idle = RawClient::connect(server.addr).await;
    idle.get("/").await;
    assert!(idle.response().await.is_some());
    server.stop().await;
    assert_eq!(silent.read_to_end().await, "");
    assert_eq!(idle.read_to_end().await, "");
}

/// Clients that keep their connections, and clients that connect for each request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_under_load_stays_without_a_response_when_a_server_stops() {
    for _ in 0..10 {
        let server = TestServer::start(patient()).await;
        let addr = server.addr;
        let mut clients = JoinSet::new();
        for number in 0..8 {
            clients.spawn(async move {
                let keeps = number % 2 == 0;
                let mut answered = 0;
                while let Ok(stream) = TcpStream::connect(addr).await {
                    let mut client = RawClient(stream);
                    loop {
                        client.get("/").await;
                        let response = client.response().await;
                        let response = response.unwrap_or_else(|| panic!("no response after {answered}"));
                        assert!(response.ends_with("hello"), "{response}");
                        answered += 1;
                        if !keeps || response.contains("connection: close") {
                            break;
                        }
                    }
                }
                answered
            });
        }
        let mut client = RawClient::connect(server.addr).await;
        for _ in 0..200 {
            client.get("/").await;
            assert!(client.response().await.is_some());
        }
        server.stop().await;
        let answered = clients.join_all().await;
        assert!(answered.iter().all(|answered| *answered > 0), "{answered:?}");
    }
}
