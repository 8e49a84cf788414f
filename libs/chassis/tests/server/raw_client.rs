use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// Longer than any wait of a test that passes.
pub(crate) const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// A client that sends bytes.
pub(crate) struct RawClient(pub(crate) TcpStream);

impl RawClient {
    pub(crate) async fn connect(server: SocketAddr) -> Self {
        Self(TcpStream::connect(server).await.unwrap())
    }

    /// Connects from another address of this machine: a network of its own.
    pub(crate) async fn connect_from(client: [u8; 4], server: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((client, 0).into()).unwrap();
        Self(socket.connect(server).await.unwrap())
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends a GET without a body.
    pub(crate) async fn get(&mut self, path: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
    }

    /// Sends a byte at a time for as long as the server accepts them, and returns what the server sent.
    pub(crate) async fn trickle(self, byte: u8) -> String {
        let (mut reader, mut writer) = self.0.into_split();
        let sending = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(10));
            loop {
                ticks.tick().await;
                if writer.write_all(&[byte]).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let mut received = Vec::new();
        let reading = async {
            // A reset ends the input as well.
            let _ = reader.read_to_end(&mut received).await;
        };
        timeout(WAIT_TIMEOUT, async {
            tokio::select! {
                () = reading => {}
                () = sending => {}
            }
        })
        .await
        .unwrap();
        String::from_utf8(received).unwrap()
    }

    /// Returns everything until the server closes the connection.
    pub(crate) async fn read_to_end(&mut self) -> String {
        let mut received = Vec::new();
        timeout(WAIT_TIMEOUT, self.0.read_to_end(&mut received))
            .await
            .unwrap()
            .unwrap();
        String::from_utf8(received).unwrap()
    }

    /// Returns one response: its head, and a body of `content-length` bytes. `None` if the connection ended before.
    pub(crate) async fn response(&mut self) -> Option<String> {
        let mut received = Vec::new();
        timeout(WAIT_TIMEOUT, async {
            while !is_complete(&received) {
                match self.0.read_u8().await {
                    Ok(byte) => received.push(byte),
                    Err(_) => return None,
                }
            }
            Some(String::from_utf8(received).unwrap())
        })
        .await
        .unwrap()
    }
}

fn is_complete(received: &[u8]) -> bool {
    let text = String::from_utf8_lossy(received);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}
