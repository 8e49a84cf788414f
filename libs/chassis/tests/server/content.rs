//! Bodies of requests that have none.

use http::Request;
use tokio::{task::JoinSet, time::timeout};

use crate::{
    http2::connect,
    raw_client::{RawClient, WAIT_TIMEOUT},
    test_server::{TestServer, patient},
};

const METHODS: [&str; 3] = ["GET", "DELETE", "OPTIONS"];

#[tokio::test]
async fn a_request_that_has_no_body_is_refused_with_one() {
    let server = TestServer::start(patient()).await;
    for method in METHODS {
        for body in [
            "content-length: 2\r\n\r\n{}",
            "content-length: 99999999\r\n\r\n",
            "transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "content-length: 2\r\nexpect: 100-continue\r\n\r\n",
        ] {
            let mut client = RawClient::connect(server.addr).await;
            client
                .send(format!("{method} / HTTP/1.1\r\nhost: test\r\n{body}"))
                .await;
            let response = client.response().await.unwrap();
            assert!(response.starts_with("HTTP/1.1 400 "), "{method} {body}: {response}");
            assert!(response.contains("urn:ticketing:problem:malformed"), "{response}");
        }
    }
}

#[tokio::test]
async fn a_body_of_no_bytes_is_none() {
    let server = TestServer::start(patient()).await;
    let mut client = RawClient::connect(server.addr).await;
    for method in METHODS {
        for body in [
            "\r\n",
            "content-length: 0\r\n\r\n",
            "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ] {
            client
                .send(format!("{method} / HTTP/1.1\r\nhost: test\r\n{body}"))
                .await;
            let response = client.response().await.unwrap();
            assert!(response.starts_with("HTTP/1.1 200 "), "{method} {body}: {response}");
            assert!(!response.contains("connection: close"), "{response}");
        }
    }
}

#[tokio::test]
async fn on_http2_the_end_of_the_stream_may_come_later() {
    let server = TestServer::start(patient()).await;
    let mut tasks = JoinSet::new();
    let mut client = connect(&server, &mut tasks).await;
    for (data, status) in [("", 200), ("{}", 400)] {
        let request = Request::delete("http://test/").body(()).unwrap();
        let (response, mut stream) = client.send_request(request, false).unwrap();
        stream.send_data(data.into(), true).unwrap();
        let response = timeout(WAIT_TIMEOUT, response).await.unwrap().unwrap();
        assert_eq!(response.status(), status, "{data:?}");
    }
}
