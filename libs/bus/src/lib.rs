//! RabbitMQ, so that no event is lost, whatever dies.
//!
//! * A use case writes its events to the [`outbox`] in its own transaction. The [`Bus`] publishes them in order, with
//!   confirms, and deletes what is confirmed. While the broker is away they wait there.
//! * Each consuming service has a durable queue of its own. A [`EventHandler`] runs inside one write to the database, and the
//!   message is acknowledged only after the commit. One that fails comes back after a while; one that keeps failing, or
//!   that nobody can read, is set aside as [`parked`].
//! * A journal keeps for some hours what anybody said: a service whose database was put back catches up from it
//!   ([`Recovery`]).
//! * Timers ride a ladder of delay queues ([`DelayLadder`]) and come out at [`Queue::Due`].
//!
//! Everything is delivered at least once, and may be delivered in another order: consumers keep the highest version.

pub mod admin;
mod backoff;
mod bus;
mod connection;
mod consumer;
mod delay_ladder;
mod depths;
mod error;
mod failure;
mod in_order;
mod journal;
mod message;
mod meters;
mod names;
pub mod outbox;
pub mod parked;
mod reaction;
mod recovery;
mod relay;
mod topology;
mod url;

pub use bus::{BrokerLocator, Bus, Config, Consumer, Queue, RETRIES, State};
pub use delay_ladder::DelayLadder;
pub use error::Error;
pub use names::{MalformedNamespace, Namespace};
pub use reaction::{ConsumeError, EventHandler};
pub use recovery::{Adopt, Recovery, Republish, republish_all};
pub use url::{AmqpUrl, MalformedUrl};
