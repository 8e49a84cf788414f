//! Events in and out.

mod consume;
mod publish;
mod recover;
mod republish;

pub(crate) use consume::consume;
pub(crate) use publish::{append_to_outbox, new_reversal, publish_payment, publish_refund, republish_refunds};
pub(crate) use recover::start_recovery;
pub(crate) use republish::republish;
