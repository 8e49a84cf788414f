//! Consuming a queue: each message is applied in one transaction, retried after a delay, or parked.

mod failed_attempts;
mod failed_messages;
mod handler;
mod queue;
mod queue_consumer;
mod queue_depths;
mod settlement;

pub(crate) use failed_attempts::{FailedAttempts, properties_without_failures};
pub(crate) use failed_messages::{Copied, FailedMessage, FailedMessages};
pub use handler::{ConsumeError, EventHandler};
pub use queue::{Consumer, Queue};
pub(crate) use queue_consumer::QueueConsumer;
pub(crate) use queue_depths::collect_queue_depths;
