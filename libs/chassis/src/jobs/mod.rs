//! Periodic jobs.

mod job;
mod purge;
mod ticker;

pub use job::Job;
pub use purge::purge_job;
pub(crate) use ticker::Ticker;
