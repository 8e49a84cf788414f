//! Events in and out.

mod consume;
mod publish;
mod recover;
mod republish;

pub(crate) use consume::react;
pub(crate) use publish::{SOURCE, announce, announce_again, announce_refund, reversal};
pub(crate) use recover::{begin_looking_after, begin_remembering};
pub(crate) use republish::republish;
