//! RabbitMQ with a transactional outbox: no committed event is lost, whichever process fails.
//!
//! * A use case appends its events to the [`outbox`] in its own transaction. The [`Bus`] publishes them in order, with
//!   publisher confirms, and deletes confirmed rows. While the broker is unreachable they stay in the outbox.
//! * Each consuming service has a durable queue. An [`EventHandler`] runs in one write transaction, and the message is
//!   acknowledged after the commit. A failed message is retried after a delay. A message that keeps failing, or cannot be
//!   parsed, is [`parked`].
//! * A journal stores all events for some hours. A service with a restored database recovers from it ([`Recovery`]).
//! * A service can have timers ([`DelayLadder`], [`outbox::append_timer`]). They arrive at [`Queue::Timers`].
//!
//! Delivery is at least once, and retries change the order: handlers are idempotent and keep the highest version.

pub mod admin;
mod backoff;
mod bus;
mod bus_metrics;
mod config;
mod connection;
mod consumer;
#[cfg(feature = "torture-bugs")]
mod deliberate_bugs;
mod error;
mod journal;
mod message;
mod ordered_join;
pub mod outbox;
pub mod parked;
mod publishers;
mod supervisor;
mod topology;

pub use bus::Bus;
pub use config::{Config, RETRY_DELAYS, TopologyMode};
pub use connection::{AmqpUrl, BrokerLocator, ConnectionState, MalformedUrl};
pub use consumer::{ConsumeError, Consumer, EventHandler, Queue};
pub use error::Error;
pub use journal::{RecoverEvent, Recovery, RepublishPage, republish_all, republish_changed};
pub use topology::{BrokerDefinitions, DelayLadder, MalformedNamespace, Namespace};
