//! The events that the service consumes, publishes, publishes again and recovers from.

mod consume;
mod payload;
mod publish;
mod recover;
mod republish;

pub(crate) use consume::consume;
pub(crate) use publish::{publish_order, publish_refund, publish_reversal};
pub(crate) use recover::{newest_record_at, recover};
pub(crate) use republish::republish;
