//! Periodic work, and the worker that sends mails.

mod mailer;
mod purge;

pub(crate) use mailer::Mailer;
pub(crate) use purge::purge_job;
