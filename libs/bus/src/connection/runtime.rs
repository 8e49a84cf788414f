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
use tokio::net::TcpStream;
use tokio_util::compat::TokioAsyncReadCompatExt;

use super::frame_filter::FrameFilter;

/// The size of one read from the socket.
const READ_BYTES: usize = 16 * 1024;

/// Type and major version of the record with which a server refuses what is not TLS (RFC 8446, section 5.1). No frame of AMQP
/// begins like that.
const TLS_ALERT: [u8; 2] = [21, 3];

pub(super) type FilteringRuntime = Runtime<RuntimeParts<Tokio, FilteringReactor>>;

/// Returns a runtime of connections over [`FilteredStream`]s.
pub(super) fn filtering_runtime() -> FilteringRuntime {
    Runtime::new(RuntimeParts::new(Tokio::current(), FilteringReactor(Tokio::current())))
}

/// Tokio's reactor, for streams that are opened by [`FilteredStream::open`] and not by lapin.
#[derive(Clone, Debug)]
pub(super) struct FilteringReactor(Tokio);

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
        self.0.sleep(duration)
    }

    fn interval(&self, period: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.0.interval(period)
    }

    /// Not used by lapin.
    fn tcp_connect_addr(&self, _: SocketAddr) -> impl Future<Output = io::Result<FilteredStream>> + Send + 'static {
        std::future::ready(Err(io::ErrorKind::Unsupported.into()))
    }
}

/// A connection to the broker, encrypted or not.
trait BrokerStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> BrokerStream for S {}

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
    /// Connects to `address`, a host and a port. With `encryption`, the certificate of the server must contain its name.
    pub(super) async fn open(
        address: (&str, u16),
        encryption: Option<(ServerName, ClientTls)>,
        frame_max: u32,
    ) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let stream: Box<dyn BrokerStream> = match encryption {
            None => Box::new(stream.compat()),
            Some((name, tls)) => Box::new(tls.connect(name, stream).await?.compat()),
        };
        Ok(Self {
            stream,
            has_received: false,
            filter: FrameFilter::new(frame_max),
            buffer: vec![0; READ_BYTES].into(),
            filtered: Vec::new(),
            position: 0,
        })
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
