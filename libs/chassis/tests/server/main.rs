//! Attacks on the HTTP server over real sockets. The deadlines are short, and no test depends on how short.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::large_types_passed_by_value,
    reason = "limits are passed once for each server"
)]

mod connection_limit;
mod content;
mod deadlines;
mod http2;
mod raw_client;
mod shutdown;
mod slow_bodies;
mod slow_readers;
mod test_server;
mod unread_bodies;
