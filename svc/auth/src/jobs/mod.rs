//! Periodic work.

mod purge;
mod reload_keys;

pub(crate) use purge::purge_job;
pub(crate) use reload_keys::reload_keys_job;
