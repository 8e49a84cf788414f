use std::time::Duration;

use super::file_limit::affordable_sockets;

/// What the connections of a server may use, and how long the server waits for their clients.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// The maximum number of connections.
    pub connections: usize,
    /// The number of connections beyond the maximum that are served health and metrics only.
    pub reserved_connections: usize,
    /// How old a connection beyond the maximum must be to be closed in favour of another, whatever it does.
    pub reserved: Duration,
    /// Timeout for the head of a request, from its first byte to its last; of the first request, from the connection on.
    pub head: Duration,
    /// Timeout for the next request on an open connection.
    pub idle: Duration,
    /// Timeout for a request body while it is read.
    pub body: Duration,
    /// Timeout for the next byte of a request body.
    pub body_stall: Duration,
    /// The number of bytes of request bodies that may be held at the same time. A body beyond is refused with 503.
    pub held_body_bytes: usize,
    /// The number of these bytes that one connection may have.
    pub body_share_bytes: usize,
    /// How long a body must have been on its way to be given up (408) in favour of another one.
    pub slow_body: Duration,
    /// The number of bytes of responses that all clients together may have to accept. Beyond it, the slowest are closed.
    pub held_response_bytes: usize,
    /// The number of these bytes that one connection may have: its share. Beyond it, its next requests wait.
    pub response_share_bytes: usize,
    /// Timeout for a client that has more than its share to accept the next byte.
    pub over_share_stall: Duration,
    /// Timeout for the client to accept the next byte of a response.
    pub write_stall: Duration,
    /// The bytes per second that a client has to accept on average, after the first [`Self::write_stall`].
    pub write_rate: u32,
    /// Timeout for a request and its response on a stream of HTTP/2.
    pub stream: Duration,
    /// Timeout for a client to close its side after the last response. Until then the rest of its request is discarded,
    /// because closing a socket with unread bytes resets it, and the reset can overtake the response.
    pub linger: Duration,
    /// How long a connection must have waited for its client before it may be closed in favour of another.
    pub evictable: Duration,
    /// How long idle connections stay open when the server stops: a request may be on its way.
    pub stop_idle: Duration,
    /// Timeout for running requests when the server stops.
    pub stop: Duration,
}

/// The number of connections that are served at most unless configured: each needs some KiB of memory.
const DEFAULT_MAX_CONNECTIONS: usize = 4096;

/// The number of connections beyond the maximum.
const MAX_RESERVED_CONNECTIONS: usize = 32;

const MIB: usize = 1024 * 1024;

/// The number of bytes of responses that the servers of a process hold.
const RESPONSE_BYTES: usize = 64 * MIB;

/// The least of them for each of several servers.
const MIN_RESPONSE_BYTES: usize = 16 * MIB;

impl ServerLimits {
    /// Returns the limits of each of so many servers in this process, with this maximum of connections, as far as the limit
    /// of open files allows it.
    pub fn of_each(servers: usize, max_connections: Option<usize>) -> Self {
        let sockets = affordable_sockets(servers);
        let reserved_connections = (sockets / 4).clamp(1, MAX_RESERVED_CONNECTIONS);
        let affordable = sockets - 2 * reserved_connections;
        if let Some(configured) = max_connections.filter(|configured| *configured > affordable) {
            tracing::warn!(configured, affordable, "limit of open files allows fewer connections");
        }
        Self {
            connections: max_connections.unwrap_or(DEFAULT_MAX_CONNECTIONS).min(affordable),
            reserved_connections,
            reserved: Duration::from_secs(5),
            head: Duration::from_secs(10),
            idle: Duration::from_mins(1),
            body: Duration::from_secs(30),
            body_stall: Duration::from_secs(10),
            held_body_bytes: 16 * MIB,
            // A picture of 5 MiB.
            body_share_bytes: 6 * MIB,
            slow_body: Duration::from_secs(1),
            held_response_bytes: (RESPONSE_BYTES / servers.max(1)).max(MIN_RESPONSE_BYTES),
            response_share_bytes: 4 * MIB,
            over_share_stall: Duration::from_secs(5),
            write_stall: Duration::from_secs(30),
            write_rate: 4096,
            stream: Duration::from_mins(2),
            linger: Duration::from_secs(5),
            evictable: Duration::from_secs(1),
            stop_idle: Duration::from_millis(300),
            stop: Duration::from_secs(10),
        }
    }

    /// Returns the maximum number of open sockets: some belong to connections that are being closed in favour of others.
    pub(super) const fn sockets(&self) -> usize {
        self.connections
            .saturating_add(self.reserved_connections)
            .saturating_add(self.reserved_connections)
    }
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self::of_each(1, None)
    }
}

/// The maximum size of the head of an HTTP/1 request, in bytes.
pub(super) const MAX_HEAD_BYTES: usize = 32 * 1024;

/// The maximum size of the header fields of an HTTP/2 request, in bytes.
pub(super) const MAX_HEADER_LIST_BYTES: u32 = 16 * 1024;

/// The maximum number of concurrent streams of an HTTP/2 connection.
pub(super) const MAX_STREAMS: u32 = 100;

/// The number of bytes of one request body that a client of HTTP/2 may send ahead.
pub(super) const STREAM_WINDOW_BYTES: u32 = 16 * 1024;

/// The number of bytes of all request bodies that a client may send ahead on an HTTP/2 connection: the least there is.
pub(super) const CONNECTION_WINDOW_BYTES: u32 = 65_535;

/// The number of bytes of responses that are buffered for a stream of HTTP/2.
pub(super) const STREAM_SEND_BUFFER_BYTES: usize = 64 * 1024;

/// The number of streams that a client may reset before they are accepted, and that the server may refuse, until the
/// connection is closed.
pub(super) const MAX_RESET_STREAMS: usize = 50;

/// The number of requests that a connection may cancel until it is closed, if it cancels most of them.
pub(super) const MAX_CANCELLED_REQUESTS: u32 = 200;

/// The number of bytes that are discarded after the last response.
pub(super) const MAX_DISCARDED_BYTES: usize = 16 * 1024 * 1024;

/// The number of bytes of an unread request body that are read so that the connection can serve another request.
pub(super) const MAX_SKIPPED_BYTES: u64 = 64 * 1024;

/// How long the server waits for these bytes before it responds.
pub(super) const SKIP_TIMEOUT: Duration = Duration::from_millis(50);

/// How long a client must have accepted nothing to be closed when the server holds too many bytes of responses.
pub(super) const SLOW_READER: Duration = Duration::from_millis(250);

/// How many bytes of a response are handed to HTTP/2 at a time.
pub(super) const CHUNK_BYTES: usize = 16 * 1024;
