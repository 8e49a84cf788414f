use std::time::{Duration, Instant};

use chassis::ServerLimits;

use crate::{
    raw_client::RawClient,
    test_server::{SOON, TestServer, patient},
};

#[tokio::test]
async fn a_head_that_does_not_end_closes_the_connection() {
    let server = TestServer::start(ServerLimits {
        head: SOON,
        ..patient()
    })
    .await;
    let mut client = RawClient::connect(server.addr).await;
    client.send("GET / HTTP/1.1\r\nhost: test\r\nx: ").await;
    assert_eq!(client.trickle(b'a').await, "");
    server.wait_for_close("head-timeout").await;
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_sent_is_closed() {
    let server = TestServer::start(ServerLimits {
        head: SOON,
        ..patient()
    })
    .await;
    let mut client = RawClient::connect(server.addr).await;
    assert_eq!(client.read_to_end().await, "");
    server.wait_for_close("head-timeout").await;
}

#[tokio::test]
async fn the_head_of_a_second_request_has_a_deadline_from_its_first_byte() {
    let server = TestServer::start(ServerLimits {
        head: SOON,
        ..patient()
    })
    .await;
    let mut client = RawClient::connect(server.addr).await;
    client.get("/").await;
    assert!(client.response().await.unwrap().ends_with("hello"));
    client.send("GET / HTTP/1.1\r\nx: ").await;
    assert_eq!(client.trickle(b'a').await, "");
    server.wait_for_close("head-timeout").await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = TestServer::start(ServerLimits {
        idle: SOON,
        ..patient()
    })
    .await;
    let mut client = RawClient::connect(server.addr).await;
    client.get("/").await;
    assert!(client.read_to_end().await.ends_with("hello"));
    server.wait_for_close("idle").await;
}

#[tokio::test]
async fn half_of_the_http2_preface_closes_the_connection() {
    let server = TestServer::start(ServerLimits {
        head: SOON,
        ..patient()
    })
    .await;
    let mut client = RawClient::connect(server.addr).await;
    client.send("PRI * HTTP/2.0\r\n\r\nS").await;
    assert_eq!(client.read_to_end().await, "");
    server.wait_for_close("head-timeout").await;
}

#[tokio::test]
async fn a_request_that_runs_is_not_idle() {
    let limits = ServerLimits {
        head: SOON,
        idle: SOON,
        ..patient()
    };
    let server = TestServer::start(limits).await;
    let mut client = RawClient::connect(server.addr).await;
    client.get("/wait").await;
    server.wait_for_requests(1).await;
    // Another connection lives as long as both deadlines.
    assert_eq!(RawClient::connect(server.addr).await.read_to_end().await, "");
    assert_eq!(RawClient::connect(server.addr).await.read_to_end().await, "");
    server.permits.add_permits(1);
    assert!(client.response().await.unwrap().ends_with("waited"));
}

#[tokio::test]
async fn a_body_that_stalls_is_refused() {
    let limits = ServerLimits {
        body_stall: SOON,
        ..patient()
    };
    let server = TestServer::start(limits).await;
    let mut client = RawClient::connect(server.addr).await;
    client
        .send("POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nhal")
        .await;
    let response = client.read_to_end().await;
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    assert!(response.contains("connection: close"), "{response}");
    assert!(response.contains("urn:ticketing:problem:request-timeout"), "{response}");
}

#[tokio::test]
async fn a_body_that_trickles_is_refused() {
    let server = TestServer::start(ServerLimits {
        body: SOON,
        ..patient()
    })
    .await;
    let mut client = RawClient::connect(server.addr).await;
    client
        .send("POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 100000\r\n\r\n")
        .await;
    let response = client.trickle(b'a').await;
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected() {
    let limits = ServerLimits {
        write_stall: SOON,
        ..patient()
    };
    let server = TestServer::start(limits).await;
    let mut client = RawClient::connect(server.addr).await;
    client.get("/large").await;
    server.wait_for_close("write-timeout").await;
}

#[tokio::test]
async fn a_client_that_reads_too_slowly_is_disconnected() {
    let limits = ServerLimits {
        write_stall: SOON * 3,
        write_rate: 100_000_000,
        ..patient()
    };
    let server = TestServer::start(limits).await;
    let mut client = RawClient::connect(server.addr).await;
    client.get("/large").await;
    let reading = async {
        let mut ticks = tokio::time::interval(SOON / 10);
        let mut bytes = vec![0; 64 * 1024];
        while tokio::io::AsyncReadExt::read(&mut client.0, &mut bytes)
            .await
            .is_ok_and(|count| count > 0)
        {
            ticks.tick().await;
        }
    };
    tokio::join!(reading, server.wait_for_close("write-timeout"));
}

#[tokio::test]
async fn a_client_that_reads_steadily_is_served_however_long_it_takes() {
    let limits = ServerLimits {
        write_stall: SOON * 3,
        idle: SOON,
        head: SOON,
        ..patient()
    };
    let server = TestServer::start(limits).await;
    // A machine that stands still makes no steady reader.
    while !is_served_while_it_reads_steadily(&server).await {}
}

/// Whether a client receives the whole large response in small parts. Panics if it does not, and never paused for long.
async fn is_served_while_it_reads_steadily(server: &TestServer) -> bool {
    let mut client = RawClient::connect(server.addr).await;
    client
        .send("GET /large HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
        .await;
    let (mut ticks, mut bytes, mut total) = (tokio::time::interval(SOON / 10), vec![0; 512 * 1024], 0);
    let (mut last, mut longest_pause) = (Instant::now(), Duration::ZERO);
    let end = loop {
        ticks.tick().await;
        longest_pause = longest_pause.max(last.elapsed());
        last = Instant::now();
        match tokio::io::AsyncReadExt::read(&mut client.0, &mut bytes).await {
            Ok(count) if count > 0 => total += count,
            end => break end,
        }
    };
    let is_whole = end.is_ok() && total > 32 * 1024 * 1024;
    assert!(is_whole || longest_pause > SOON, "{end:?} after {total} bytes");
    is_whole
}

#[tokio::test]
async fn a_client_that_closes_its_side_receives_its_response() {
    let server = TestServer::start(patient()).await;
    let mut client = RawClient::connect(server.addr).await;
    client.get("/wait").await;
    tokio::io::AsyncWriteExt::shutdown(&mut client.0).await.unwrap();
    server.wait_for_requests(1).await;
    server.permits.add_permits(1);
    assert!(client.read_to_end().await.ends_with("waited"));
}

#[tokio::test]
async fn a_client_that_closes_its_side_and_waits_long_receives_its_response_after_interim_ones() {
    let server = TestServer::start(patient()).await;
    let mut client = RawClient::connect(server.addr).await;
    client.get("/wait").await;
    tokio::io::AsyncWriteExt::shutdown(&mut client.0).await.unwrap();
    server.wait_for_requests(1).await;
    let mut interim = [0; 16];
    tokio::io::AsyncReadExt::read_exact(&mut client.0, &mut interim)
        .await
        .unwrap();
    assert_eq!(&interim, b"HTTP/1.1 102 Pro");
    server.permits.add_permits(1);
    let rest = client.read_to_end().await;
    assert!(rest.contains("HTTP/1.1 200 OK") && rest.ends_with("waited"), "{rest}");
    assert_eq!(rest.matches("HTTP/1.1").count(), 1, "{rest}");
}

#[tokio::test]
async fn the_request_of_a_client_that_hangs_up_is_dropped() {
    let server = TestServer::start(patient()).await;
    for request in [
        "GET /wait HTTP/1.1\r\nhost: test\r\n\r\n",
        "POST /wait HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\n\r\nhello",
    ] {
        let mut client = RawClient::connect(server.addr).await;
        client.send(request).await;
        server.wait_for_requests(1).await;
        drop(client);
        server.wait_for_requests(0).await;
    }
}

#[tokio::test]
async fn a_client_that_closes_its_side_within_a_body_is_not_waited_for() {
    let server = TestServer::start(patient()).await;
    let mut client = RawClient::connect(server.addr).await;
    client
        .send("POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 50\r\n\r\nhello")
        .await;
    tokio::io::AsyncWriteExt::shutdown(&mut client.0).await.unwrap();
    let response = client.read_to_end().await;
    assert!(!response.contains(" 200 ") && !response.contains(" 102 "), "{response}");
}

#[tokio::test]
async fn a_client_of_http_1_0_that_closes_its_side_receives_its_response_alone() {
    let server = TestServer::start(patient()).await;
    let mut client = RawClient::connect(server.addr).await;
    client.send("GET /wait HTTP/1.0\r\nhost: test\r\n\r\n").await;
    tokio::io::AsyncWriteExt::shutdown(&mut client.0).await.unwrap();
    server.wait_for_requests(1).await;
    server.permits.add_permits(1);
    let response = client.read_to_end().await;
    assert!(
        response.starts_with("HTTP/1.0 200 OK") && response.ends_with("waited"),
        "{response}"
    );
}
