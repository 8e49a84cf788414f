//! Events: published, republished, and recovered from the journal.

mod publish;
mod recover;
mod republish;

pub(crate) use publish::{SERVICE_NAME, publish_ended_session, publish_revoked_key};
pub(crate) use recover::{newest_record_at, recover};
pub(crate) use republish::republish;
