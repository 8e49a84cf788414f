use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

use super::{activity::Activity, hang_up::HangUpProbe, limits::MAX_DISCARDED_BYTES};

/// The socket of a connection. It reports to the connection's [`Activity`], and closes so that the client receives the
/// last response.
pub(super) struct ObservedSocket {
    stream: TcpStream,
    activity: Arc<Activity>,
    linger: Duration,
    lingering: Option<Lingering>,
    probe: Option<HangUpProbe>,
}

/// The time after the last response, in which the rest of the client's request is discarded.
struct Lingering {
    timeout: Pin<Box<Sleep>>,
    discarded: usize,
}

impl ObservedSocket {
    pub(super) const fn new(stream: TcpStream, activity: Arc<Activity>, linger: Duration) -> Self {
        Self {
            stream,
            activity,
            linger,
            lingering: None,
            probe: None,
        }
    }

    fn report_write(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => self.activity.sent(*bytes),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.activity.write_blocked(),
        }
        written
    }
}

impl AsyncRead for ObservedSocket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Ready(Ok(())) => {
                let received = &buffer.filled()[before..];
                if received.is_empty() {
                    self.activity.received_eof();
                    if self.activity.awaits_response() {
                        let this = &mut *self;
                        let probe = this.probe.get_or_insert_default();
                        return probe.poll(&this.stream, &this.activity, cx).map(Err);
                    }
                } else {
                    self.activity.received(received);
                }
                Poll::Ready(Ok(()))
            }
            // The end of the input is how hyper closes a connection without losing a request.
            Poll::Pending if self.activity.ends_now() => Poll::Ready(Ok(())),
            other => other,
        }
    }
}

impl AsyncWrite for ObservedSocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.report_write(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, buffers);
        self.report_write(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called when all output was written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.activity.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            if !this.activity.start_lingering() {
                return Poll::Ready(Ok(()));
            }
        }
        let linger = this.linger;
        let lingering = this.lingering.get_or_insert_with(|| Lingering {
            timeout: Box::pin(tokio::time::sleep(linger)),
            discarded: 0,
        });
        let mut bytes = [0; 8 * 1024];
        while lingering.timeout.as_mut().poll(cx).is_pending() && lingering.discarded < MAX_DISCARDED_BYTES {
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
            lingering.discarded += buffer.filled().len();
        }
        Poll::Ready(Ok(()))
    }
}
