use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    net::TcpStream,
    time::{Instant, Sleep},
};

use super::activity::Activity;

/// The time from the end of a client's input to the probe, and between two checks for its result.
const INTERVAL: Duration = Duration::from_millis(500);

/// An interim response, which clients of HTTP/1.1 must accept and ignore (RFC 9110, section 15.2).
const INTERIM: &[u8] = b"HTTP/1.1 102 Processing\r\n\r\n";

/// Distinguishes a client that has hung up from one that has closed only its own side and waits for the response.
///
/// Both look the same until the server sends something: the system of a client that has hung up answers with a reset. So an
/// interim response is sent. HTTP/1.0 has none: such a client is served.
pub(super) struct HangUpProbe {
    timer: Pin<Box<Sleep>>,
    is_sent: bool,
}

impl Default for HangUpProbe {
    fn default() -> Self {
        Self {
            timer: Box::pin(tokio::time::sleep(INTERVAL)),
            is_sent: false,
        }
    }
}

impl HangUpProbe {
    /// Completes if the client has hung up. Call it when the end of the input was read.
    pub(super) fn poll(&mut self, stream: &TcpStream, activity: &Activity, cx: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            self.timer.as_mut().reset(Instant::now() + INTERVAL);
            match self.check(stream, activity) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(error),
            }
        }
    }

    fn check(&mut self, stream: &TcpStream, activity: &Activity) -> io::Result<()> {
        // The end of the input hides a reset from reads.
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        if !self.is_sent && activity.accepts_interim() {
            let sent = stream.try_write(INTERIM)?;
            if sent < INTERIM.len() {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.is_sent = true;
        }
        Ok(())
    }
}
