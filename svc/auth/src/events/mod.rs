//! Events: consumed, published, republished, and recovered from the journal.

mod consume;
mod publish;
mod recover;
mod republish;

pub(crate) use consume::event_handler;
pub(crate) use publish::{
    SERVICE_NAME, publish_account, publish_ended_session, publish_mail, publish_reopened_account, publish_revoked_key,
};
pub(crate) use recover::{newest_record_at, recover};
pub(crate) use republish::republish;
