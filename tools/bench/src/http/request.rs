use std::{fmt::Write, net::SocketAddr};

use bytes::Bytes;
use serde_json::Value;

/// Renders a GET.
pub fn get(addr: SocketAddr, path: &str, headers: &str) -> Bytes {
    Bytes::from(format!("GET {path} HTTP/1.1\r\nhost: {addr}\r\n{headers}\r\n"))
}

/// Renders a DELETE.
pub fn delete(addr: SocketAddr, path: &str, headers: &str) -> Bytes {
    Bytes::from(format!("DELETE {path} HTTP/1.1\r\nhost: {addr}\r\n{headers}\r\n"))
}

/// Renders a POST of a JSON body.
pub fn post(addr: SocketAddr, path: &str, headers: &str, body: &Value) -> Bytes {
    let body = body.to_string();
    let mut request = format!("POST {path} HTTP/1.1\r\nhost: {addr}\r\n{headers}");
    // Writing to a string does not fail.
    let _ = write!(
        request,
        "content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    Bytes::from(request)
}

/// Returns the header of an access token.
pub fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}
