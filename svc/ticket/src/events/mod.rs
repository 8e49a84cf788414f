//! Events in and out.

mod consume;
mod publish;
mod recover;
mod republish;

pub(crate) use consume::consume;
pub(crate) use publish::{PUBLISHER, publish};
pub(crate) use recover::{newest_record_at, recover};
pub(crate) use republish::republish;
