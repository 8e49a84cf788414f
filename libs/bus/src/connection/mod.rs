//! The connection to the broker: its address, its state, and how it is opened and closed.

mod client;
mod locator;
mod state;
mod url;

pub(crate) use client::{Purpose, close, confirming_channel, connect, connection_loss, or_loss, with_timeout};
pub use locator::BrokerLocator;
pub use state::ConnectionState;
pub use url::{AmqpUrl, MalformedUrl};
