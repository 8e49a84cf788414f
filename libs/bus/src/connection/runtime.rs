//! The runtime of lapin's connections: tokio's, with filtered streams, which may be encrypted below the filter.

use std::{
    future::Future,
    io::{self, Read, Write},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use async_rs::{Runtime, Tokio, traits::Reactor, util::RuntimeParts};
use futures_io::{AsyncRead, AsyncWrite};
use futures_util::Stream;
use tls::{ClientTls, ServerName};
use tokio_util::compat::TokioAsyncReadCompatExt;

use super::frame_filter::FrameFilter;

/// The size of one read from the socket.
const READ_BYTES: usize = 16 * 1024;

/// Type and major version of the record with which a server refuses what is not TLS (RFC 8446, section 5.1). No frame of AMQP
/// begins like that.
const TLS_ALERT: [u8; 2] = [21, 3];

pub(super) type FilteringRuntime = Runtime<RuntimeParts<Tokio, FilteringReactor>>;

/// The name of the server of an encrypted connection, and what verifies it.
type Encryption = (ServerName, ClientTls);

/// Returns a runtime whose streams pass through a [`FrameFilter`] for `frame_max`.
pub(super) fn filtering_runtime(frame_max: u32, encryption: Option<Encryption>) -> FilteringRuntime {
    let reactor = FilteringReactor {
        tokio: Tokio::current(),
        frame_max,
        encryption,
    };
    Runtime::new(RuntimeParts::new(Tokio::current(), reactor))
}

/// Tokio's reactor, with filtered streams.
#[derive(Clone, Debug)]
pub(super) struct FilteringReactor {
    tokio: Tokio,
    frame_max: u32,
    encryption: Option<Encryption>,
}

impl Reactor for FilteringReactor {
    type TcpStream = FilteredStream;
    type Sleep = <Tokio as Reactor>::Sleep;

    /// Not used by lapin.
    fn register<H: Read + Write + Send + 'static>(
        &self,
        _: H,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        Err::<FilteredStream, _>(io::ErrorKind::Unsupported.into())
    }

    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.tokio.sleep(duration)
    }

    fn interval(&self, period: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.tokio.interval(period)
    }

    fn tcp_connect_addr(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<FilteredStream>> + Send + 'static {
        let (connecting, frame_max) = (self.tokio.tcp_connect_addr(address), self.frame_max);
        let encryption = self.encryption.clone();
        async move {
            let stream = connecting.await?;
            let stream: Box<dyn BrokerStream> = match encryption {
                None => Box::new(stream),
                Some((name, tls)) => Box::new(tls.connect(name, stream.into_inner()).await?.compat()),
            };
            Ok(FilteredStream::new(stream, frame_max))
        }
    }
}

/// A connection to the broker, encrypted or not.
trait BrokerStream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> BrokerStream for S {}

/// A connection whose incoming frames are filtered.
pub(super) struct FilteredStream {
    stream: Box<dyn BrokerStream>,
    has_received: bool,
    filter: FrameFilter,
    buffer: Box<[u8]>,
    filtered: Vec<u8>,
    /// The bytes of `filtered` that were read.
    position: usize,
}

impl FilteredStream {
    fn new(stream: Box<dyn BrokerStream>, frame_max: u32) -> Self {
        Self {
            stream,
            has_received: false,
            filter: FrameFilter::new(frame_max),
            buffer: vec![0; READ_BYTES].into(),
            filtered: Vec::new(),
            position: 0,
        }
    }
}

impl AsyncRead for FilteredStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, target: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        while this.position == this.filtered.len() {
            this.position = 0;
            this.filtered.clear();
            let count = ready!(Pin::new(&mut *this.stream).poll_read(cx, &mut this.buffer))?;
            if !this.has_received && this.buffer[..count].starts_with(&TLS_ALERT) {
                return Poll::Ready(Err(io::Error::other("it speaks TLS on this port: use amqps")));
            }
            this.has_received = true;
            if count == 0 {
                this.filter.finish(&mut this.filtered);
                break;
            }
            this.filter.push(&this.buffer[..count], &mut this.filtered);
        }
        let unread = &this.filtered[this.position..];
        let count = unread.len().min(target.len());
        target[..count].copy_from_slice(&unread[..count]);
        this.position += count;
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for FilteredStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream).poll_write_vectored(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream).poll_close(cx)
    }
}
