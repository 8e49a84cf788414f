//! The connection to the broker: its address, its state, and how it is opened and closed.

mod client;
mod consuming;
mod frame_filter;
mod locator;
mod runtime;
mod state;
mod url;

pub(crate) use client::{Purpose, close, confirming_channel, connect, connection_loss, with_timeout};
pub(crate) use consuming::ConsumingConnection;
pub use locator::BrokerLocator;
pub use state::ConnectionState;
pub use url::{AmqpUrl, MalformedUrl};
