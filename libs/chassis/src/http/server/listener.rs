use std::{io, net::SocketAddr};

use socket2::{SockFilter, SockRef};
use tokio::net::{TcpListener, TcpSocket};

use crate::OperatorError;

/// The number of connections that the kernel establishes before they are accepted.
const BACKLOG: u32 = 1024;

/// A bound listener of a server that does not run yet.
#[derive(Debug)]
pub struct BoundListener {
    pub(super) listener: TcpListener,
    /// The address, with the port that port 0 was replaced by.
    pub addr: SocketAddr,
}

impl BoundListener {
    /// Binds an address.
    #[expect(clippy::unused_async, reason = "needs the runtime")]
    pub async fn bind(addr: SocketAddr) -> Result<Self, OperatorError> {
        let listener = listen(addr).map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => OperatorError(format!("{addr} is taken: another program listens there")),
            _ => OperatorError(format!("{addr} cannot be listened on: {error}")),
        })?;
        let addr = listener.local_addr().map_err(OperatorError::new)?;
        Ok(Self { listener, addr })
    }
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // So that a service can start again while connections of the previous one are in TIME-WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// A packet filter that drops segments that open a connection: those with SYN and without ACK.
const DROP_SYN: [SockFilter; 5] = [
    // Loads the flags of the TCP header, masks SYN and ACK, compares with SYN; drops, or accepts all bytes.
    SockFilter::new(0x30, 0, 0, 13),
    SockFilter::new(0x54, 0, 0, 0x12),
    SockFilter::new(0x15, 0, 1, 0x02),
    SockFilter::new(0x06, 0, 0, 0),
    SockFilter::new(0x06, 0, 0, u32::MAX),
];

/// Lets the kernel establish no more connections, so that its queue can be emptied. Closing a listener resets those that
/// are in the queue. A client that connects meanwhile repeats its SYN after a second, and is refused by the closed port.
pub(super) fn stop_connections(listener: &TcpListener) -> io::Result<()> {
    SockRef::from(listener).attach_filter(&DROP_SYN)
}
