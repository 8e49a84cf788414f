//! Clients that do not accept their responses.

use std::time::Duration;

use chassis::ServerLimits;
use h2::client::{self, ResponseFuture, SendRequest};
use tokio::{net::TcpStream, task::JoinSet, time::timeout};

use crate::{
    http2::{connect, request},
    raw_client::{RawClient, WAIT_TIMEOUT},
    test_server::{PAGE_BYTES, SOON, TestServer, patient},
};

/// The number of streams that a connection may have.
const STREAMS: usize = 100;

/// Connects without a window: the client accepts heads of responses, and no byte of a body.
async fn connect_without_window(server: &TestServer, tasks: &mut JoinSet<()>) -> SendRequest<bytes::Bytes> {
    let stream = TcpStream::connect(server.addr).await.unwrap();
    let handshake = client::Builder::new().initial_window_size(0).handshake(stream);
    let (client, connection) = handshake.await.unwrap();
    tasks.spawn(async move { drop(connection.await) });
    client.ready().await.unwrap()
}

fn request_many(client: &mut SendRequest<bytes::Bytes>, path: &str, count: usize) -> Vec<ResponseFuture> {
    let send = |_| client.send_request(request(path), true).unwrap().0;
    (0..count).map(send).collect()
}

/// Returns whether the server sends a whole page to a client that reads it.
async fn reads_a_page(server: &TestServer) -> bool {
    let mut tasks = JoinSet::new();
    let mut client = connect(server, &mut tasks).await;
    let (response, _) = client.send_request(request("/page"), true).unwrap();
    let mut body = response.await.unwrap().into_body();
    let mut total = 0;
    while let Some(data) = body.data().await {
        let Ok(data) = data else { return false };
        body.flow_control().release_capacity(data.len()).unwrap();
        total += data.len();
    }
    total == PAGE_BYTES
}

#[tokio::test]
async fn a_connection_that_accepts_nothing_is_closed() {
    let limits = ServerLimits {
        write_stall: SOON,
        ..patient()
    };
    let server = TestServer::start(limits).await;
    let mut tasks = JoinSet::new();
    let mut client = connect_without_window(&server, &mut tasks).await;
    // A short response that is complete on the side of the server counts as well.
    let responses = request_many(&mut client, "/hello", 1);
    server.wait_for_close("write-timeout").await;
    drop(responses);
    assert_eq!(server.held_response_bytes(), 0);
}

#[tokio::test]
async fn a_connection_that_accepts_nothing_and_asks_on_is_closed() {
    let limits = ServerLimits {
        write_stall: SOON,
        ..patient()
    };
    let server = TestServer::start(limits).await;
    let mut tasks = JoinSet::new();
    let mut client = connect_without_window(&server, &mut tasks).await;
    let asking = async {
        let mut ticks = tokio::time::interval(SOON / 20);
        let mut responses = Vec::new();
        while let Ok(ready) = client.clone().ready().await {
            client = ready;
            let Ok((response, _)) = client.send_request(request("/hello"), true) else {
                break;
            };
            responses.push(response);
            ticks.tick().await;
        }
    };
    let closed = server.wait_for_close("write-timeout");
    tokio::select! {
        () = closed => {}
        () = asking => server.wait_for_close("write-timeout").await,
    }
}

#[tokio::test]
async fn a_connection_over_its_share_starts_no_request_and_is_closed_early() {
    let limits = ServerLimits {
        response_share_bytes: 2 * PAGE_BYTES,
        ..patient()
    };
    let server = TestServer::start(limits).await;
    let mut tasks = JoinSet::new();
    let mut client = connect_without_window(&server, &mut tasks).await;
    let responses = request_many(&mut client, "/page", 3);
    for response in responses {
        let mut response = response.await.unwrap();
        // Opens no window.
        tasks.spawn(async move { drop(response.body_mut().data().await) });
    }
    assert_eq!(server.held_response_bytes(), 3 * PAGE_BYTES);
    let waiting = request_many(&mut client, "/wait", 1);
    assert!(reads_a_page(&server).await);
    assert_eq!(*server.waiting.borrow(), 0, "a request over the share has started");
    drop(waiting);
    tasks.shutdown().await;

    let limits = ServerLimits {
        response_share_bytes: 2 * PAGE_BYTES,
        over_share_stall: SOON,
        ..patient()
    };
    let server = TestServer::start(limits).await;
    let mut client = connect_without_window(&server, &mut tasks).await;
    let _within = request_many(&mut client, "/page", 2);
    let mut client = connect_without_window(&server, &mut tasks).await;
    let _over = request_many(&mut client, "/page", 3);
    server.wait_for_close("write-timeout").await;
    // The one within its share stays.
    assert_eq!(server.held_response_bytes(), 2 * PAGE_BYTES);
}

#[tokio::test]
async fn clients_that_accept_nothing_hold_no_more_than_the_budget_and_those_that_read_are_served() {
    let budget = 8 * PAGE_BYTES;
    let limits = ServerLimits {
        held_response_bytes: budget,
        response_share_bytes: 2 * PAGE_BYTES,
        ..patient()
    };
    let server = TestServer::start(limits).await;
    let mut tasks = JoinSet::new();
    let mut clients = Vec::new();
    for _ in 0..10 {
        let mut client = connect_without_window(&server, &mut tasks).await;
        let responses = request_many(&mut client, "/page", STREAMS);
        clients.push((client, responses));
    }
    for _ in 0..20 {
        // At most one page more: the one that is about to be refused, or that makes others be closed.
        let held = server.held_response_bytes();
        assert!(held <= budget + PAGE_BYTES, "{held}");
        eventually_reads_a_page(&server).await;
    }
}

#[tokio::test]
async fn a_client_that_reads_gets_every_response_whole_whatever_its_share() {
    let limits = ServerLimits {
        response_share_bytes: PAGE_BYTES,
        ..patient()
    };
    let server = TestServer::start(limits).await;
    let mut tasks = JoinSet::new();
    let mut client = connect(&server, &mut tasks).await;
    let mut readers = JoinSet::new();
    for response in request_many(&mut client, "/page", STREAMS) {
        readers.spawn(async move {
            let mut body = response.await.unwrap().into_body();
            let mut total = 0;
            while let Some(data) = body.data().await {
                let data = data.unwrap();
                body.flow_control().release_capacity(data.len()).unwrap();
                total += data.len();
            }
            total
        });
    }
    let totals = timeout(WAIT_TIMEOUT, readers.join_all()).await.unwrap();
    assert_eq!(totals, [PAGE_BYTES; STREAMS]);
    eventually_holds_nothing(&server).await;
}

#[tokio::test]
async fn responses_that_share_a_file_hold_nothing() {
    let server = TestServer::start(patient()).await;
    let mut tasks = JoinSet::new();
    let mut client = connect_without_window(&server, &mut tasks).await;
    for response in request_many(&mut client, "/file", STREAMS) {
        assert_eq!(response.await.unwrap().status(), 200);
    }
    assert_eq!(server.held_response_bytes(), 0);
}

#[tokio::test]
async fn a_response_of_http_1_is_held_until_it_was_written() {
    let limits = ServerLimits {
        write_stall: SOON,
        ..patient()
    };
    let server = TestServer::start(limits).await;
    let mut client = RawClient::connect(server.addr).await;
    client.get("/large").await;
    server.wait_for_close("write-timeout").await;
    eventually_holds_nothing(&server).await;
    let mut client = RawClient::connect(server.addr).await;
    client
        .send("GET /page HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
        .await;
    assert!(client.read_to_end().await.len() > PAGE_BYTES);
    eventually_holds_nothing(&server).await;
}

#[tokio::test]
async fn a_response_without_room_is_refused_by_one_with_all_headers() {
    let limits = ServerLimits {
        held_response_bytes: 1,
        response_share_bytes: 2 * PAGE_BYTES,
        ..patient()
    };
    let server = TestServer::start(limits).await;
    let mut client = RawClient::connect(server.addr).await;
    client.get("/page").await;
    let response = client.response().await.unwrap();
    assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
    for header in [
        "x-content-type-options: nosniff",
        "content-security-policy: ",
        "x-request-id: ",
    ] {
        assert!(response.contains(header), "{response}");
    }
    eventually_holds_nothing(&server).await;
}

async fn eventually_holds_nothing(server: &TestServer) {
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let released = async {
        while server.held_response_bytes() > 0 {
            ticks.tick().await;
        }
    };
    timeout(WAIT_TIMEOUT, released).await.unwrap();
}

/// A client may be refused until the slow ones are known to be slow.
async fn eventually_reads_a_page(server: &TestServer) {
    let read = async {
        while !reads_a_page(server).await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(WAIT_TIMEOUT, read).await.unwrap();
}
