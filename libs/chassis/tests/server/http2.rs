use std::time::Duration;

use chassis::ServerLimits;
use h2::client::{self, SendRequest};
use http::Request;
use tokio::{net::TcpStream, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    raw_client::{RawClient, WAIT_TIMEOUT},
    test_server::{SOON, TestServer, patient},
};

const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Returns a frame (RFC 9113, 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Returns HEADERS of `GET /wait`.
fn get_wait(stream: u32) -> Vec<u8> {
    let path = [&[0x04, 5], b"/wait".as_slice()].concat();
    let authority = [&[0x01, 4], b"test".as_slice()].concat();
    let block = [&[0x82, 0x86], path.as_slice(), authority.as_slice()].concat();
    frame(1, 0x5, stream, &block)
}

fn reset(stream: u32) -> Vec<u8> {
    frame(3, 0, stream, &8_u32.to_be_bytes())
}

pub(crate) async fn connect(server: &TestServer, tasks: &mut JoinSet<()>) -> SendRequest<bytes::Bytes> {
    let stream = TcpStream::connect(server.addr).await.unwrap();
    let (client, connection) = client::handshake(stream).await.unwrap();
    tasks.spawn(async move { drop(connection.await) });
    client.ready().await.unwrap()
}

pub(crate) fn request(path: &str) -> Request<()> {
    Request::get(format!("http://test{path}")).body(()).unwrap()
}

#[tokio::test]
async fn a_connection_that_opens_thousands_of_streams_runs_a_hundred() {
    let server = TestServer::start(patient()).await;
    let mut client = RawClient::connect(server.addr).await;
    client.send(PREFACE).await;
    client.send(frame(4, 0, 0, &[])).await;
    for number in 0..100 {
        client.send(get_wait(number * 2 + 1)).await;
    }
    server.wait_for_requests(100).await;
    let most = server.waiting.clone();
    let (mut reader, mut writer) = client.0.into_split();
    let sending = async {
        for number in 100..20_000 {
            if tokio::io::AsyncWriteExt::write_all(&mut writer, &get_wait(number * 2 + 1))
                .await
                .is_err()
            {
                break;
            }
            assert!(*most.borrow() <= 100);
        }
    };
    // The server closes the connection; a reset ends the input as well.
    let reading = async {
        let _ = tokio::io::copy(&mut reader, &mut tokio::io::sink()).await;
    };
    timeout(WAIT_TIMEOUT, async { tokio::join!(sending, reading) })
        .await
        .unwrap();
    server.wait_for_requests(0).await;
    server.wait_for_close("error").await;
}

#[tokio::test]
async fn a_connection_that_cancels_its_requests_is_closed() {
    let server = TestServer::start(patient()).await;
    let mut client = RawClient::connect(server.addr).await;
    client.send(PREFACE).await;
    client.send(frame(4, 0, 0, &[])).await;
    let (mut reader, mut writer) = client.0.into_split();
    let closed = CancellationToken::new();
    let sending = async {
        for number in 0..2_000 {
            let stream = number * 2 + 1;
            if tokio::io::AsyncWriteExt::write_all(&mut writer, &get_wait(stream))
                .await
                .is_err()
            {
                return;
            }
            // Only requests that run are cancelled.
            let mut waiting = server.waiting.clone();
            let runs = closed.run_until_cancelled(waiting.wait_for(|waiting| *waiting > 0));
            let runs = runs.await.is_some();
            if !runs
                || tokio::io::AsyncWriteExt::write_all(&mut writer, &reset(stream))
                    .await
                    .is_err()
            {
                return;
            }
            server.wait_for_requests(0).await;
        }
        panic!("2,000 requests were cancelled on one connection");
    };
    let reading = async {
        let _ = tokio::io::copy(&mut reader, &mut tokio::io::sink()).await;
        closed.cancel();
    };
    timeout(WAIT_TIMEOUT, async { tokio::join!(sending, reading) })
        .await
        .unwrap();
    server.wait_for_close("cancelling").await;
}

#[tokio::test]
async fn a_connection_without_requests_is_closed() {
    let server = TestServer::start(ServerLimits {
        idle: SOON,
        ..patient()
    })
    .await;
    let mut tasks = JoinSet::new();
    let mut client = connect(&server, &mut tasks).await;
    let (response, _) = client.send_request(request("/"), true).unwrap();
    assert_eq!(response.await.unwrap().status(), 200);
    server.wait_for_close("idle").await;
}

#[tokio::test]
async fn a_connection_whose_last_request_was_long_and_is_cancelled_is_closed() {
    let server = TestServer::start(ServerLimits {
        head: SOON,
        idle: SOON,
        ..patient()
    })
    .await;
    let mut tasks = JoinSet::new();
    let mut client = connect(&server, &mut tasks).await;
    let (response, stream) = client.send_request(request("/wait"), true).unwrap();
    server.wait_for_requests(1).await;
    // The deadlines that began before the request pass.
    tokio::time::sleep(SOON * 2).await;
    drop((response, stream));
    server.wait_for_close("idle").await;
}

#[tokio::test]
async fn a_stream_whose_response_is_not_read_is_reset() {
    let limits = ServerLimits {
        stream: SOON,
        ..patient()
    };
    let server = TestServer::start(limits).await;
    let mut tasks = JoinSet::new();
    let mut client = connect(&server, &mut tasks).await;
    let (response, _) = client.send_request(request("/large"), true).unwrap();
    let mut body = response.await.unwrap().into_body();
    // The window is not opened.
    let ended = async { while let Some(Ok(_)) = body.data().await {} };
    timeout(WAIT_TIMEOUT, ended).await.unwrap();
    assert!(!body.is_end_stream());
    // The connection still serves.
    let (response, _) = client.send_request(request("/"), true).unwrap();
    assert_eq!(response.await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_large_response_arrives_whole() {
    let server = TestServer::start(patient()).await;
    let mut tasks = JoinSet::new();
    let mut client = connect(&server, &mut tasks).await;
    let (response, _) = client.send_request(request("/large"), true).unwrap();
    let mut body = response.await.unwrap().into_body();
    let mut total = 0;
    while let Some(data) = body.data().await {
        let count = data.unwrap().len();
        body.flow_control().release_capacity(count).unwrap();
        total += count;
    }
    assert_eq!(total, 32 * 1024 * 1024);
}

#[tokio::test]
async fn a_server_that_stops_answers_running_requests_and_says_goodbye() {
    let server = TestServer::start(patient()).await;
    let mut tasks = JoinSet::new();
    let mut client = connect(&server, &mut tasks).await;
    let (response, _) = client.send_request(request("/wait"), true).unwrap();
    server.wait_for_requests(1).await;
    server.shutdown.draining.cancel();
    let refused = async {
        loop {
            match client.clone().ready().await {
                Ok(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                Err(error) => return error.is_go_away(),
            }
        }
    };
    assert!(timeout(WAIT_TIMEOUT, refused).await.unwrap());
    server.permits.add_permits(1);
    assert_eq!(response.await.unwrap().status(), 200);
    drop(client);
    server.stop().await;
}
