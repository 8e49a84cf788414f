//! Events in and out.

mod admissions;
mod consume;
mod publish;
mod recover;
mod republish;
mod transfers;

pub(crate) use admissions::publish_admission;
pub(crate) use consume::consume;
pub(crate) use publish::{PUBLISHER, publish};
pub(crate) use recover::{newest_record_at, recover};
pub(crate) use republish::republish;
pub(crate) use transfers::publish_transfer;
