//! Periodic work.

mod decide_mails;
mod purge;
mod reload_keys;
mod repeat_closures;

pub(crate) use decide_mails::decide_mails_job;
pub(crate) use purge::purge_job;
pub(crate) use reload_keys::reload_keys_job;
pub(crate) use repeat_closures::repeat_closures_job;
