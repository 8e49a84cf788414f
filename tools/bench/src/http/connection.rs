use std::{net::SocketAddr, time::Duration};

use bytes::BytesMut;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Response, parse};
use crate::BenchResult;

/// The timeout of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The capacity for received bytes at the start; it grows with the responses.
const RECEIVE_CAPACITY: usize = 16 * 1024;

/// A connection that is kept alive and sends one request at a time.
#[derive(Debug)]
pub struct Connection {
    addr: SocketAddr,
    stream: Option<TcpStream>,
    received: BytesMut,
}

impl Connection {
    /// Connects to a server on this machine.
    ///
    /// # Errors
    ///
    /// An address of another machine, which is never put under load, and a refused connection.
    pub async fn open(addr: SocketAddr) -> BenchResult<Self> {
        if !addr.ip().is_loopback() {
            return Err(format!("{addr} is not on this machine: the load goes to the loopback only").into());
        }
        Ok(Self {
            addr,
            stream: Some(connect(addr).await?),
            received: BytesMut::with_capacity(RECEIVE_CAPACITY),
        })
    }

    /// Sends a rendered request, and returns the response. Connects again if the server has announced that it closes.
    ///
    /// # Errors
    ///
    /// A broken connection, a malformed response, and a timeout.
    pub async fn send(&mut self, request: &[u8]) -> BenchResult<Response> {
        match tokio::time::timeout(REQUEST_TIMEOUT, self.exchange(request)).await {
            Ok(response) => response,
            Err(_) => Err(format!("no response within {REQUEST_TIMEOUT:?}").into()),
        }
    }

    /// Sends a rendered request, and returns the body of a response that has the status `expected`.
    ///
    /// # Errors
    ///
    /// Another status, and a body that is no JSON.
    pub async fn send_for_json(&mut self, request: &[u8], expected: u16) -> BenchResult<Value> {
        let response = self.send(request).await?;
        if response.status == expected {
            return Ok(serde_json::from_slice(&response.body)?);
        }
        let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let (line, body) = (String::from_utf8_lossy(line), String::from_utf8_lossy(&response.body));
        Err(format!("{line}: status {} instead of {expected}: {body}", response.status).into())
    }

    async fn exchange(&mut self, request: &[u8]) -> BenchResult<Response> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            closed => closed.insert(connect(self.addr).await?),
        };
        stream.write_all(request).await?;
        loop {
            if let Some(response) = parse(&mut self.received)? {
                if response.closes {
                    self.stream = None;
                }
                return Ok(response);
            }
            if stream.read_buf(&mut self.received).await? == 0 {
                return Err(format!("{} closed the connection before the end of a response", self.addr).into());
            }
        }
    }
}

async fn connect(addr: SocketAddr) -> BenchResult<TcpStream> {
    let stream = TcpStream::connect(addr)
        .await
        .map_err(|error| format!("{addr}: {error}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
