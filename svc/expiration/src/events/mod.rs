//! Events: consumed, published, republished, and recovered from the journal.

mod consume;
mod publish;
mod recover;
mod republish;

pub(crate) use consume::consumers;
pub(crate) use publish::{SERVICE_NAME, publish_expiration, send_timer};
pub(crate) use recover::{newest_record_at, recover};
pub(crate) use republish::republish;
