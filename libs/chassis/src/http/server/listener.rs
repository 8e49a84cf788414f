use std::{io, net::SocketAddr};

use socket2::{SockFilter, SockRef};
use tokio::net::TcpListener;

use crate::OperatorError;

/// A bound listener of a server that does not run yet.
#[derive(Debug)]
pub struct BoundListener {
    pub(super) listener: TcpListener,
    /// The address, with the port that port 0 was replaced by.
    pub addr: SocketAddr,
}

impl BoundListener {
    /// Binds an address.
    pub async fn bind(addr: SocketAddr) -> Result<Self, OperatorError> {
        let listener = TcpListener::bind(addr).await.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => OperatorError(format!("{addr} is taken: another program listens there")),
            _ => OperatorError(format!("{addr} cannot be listened on: {error}")),
        })?;
        let addr = listener.local_addr().map_err(OperatorError::new)?;
        Ok(Self { listener, addr })
    }
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
