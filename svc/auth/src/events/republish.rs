use db::Tx;
use token::ACCESS_TOKEN_LIFETIME;
use values::Timestamp;

use super::publish_ended_session;
use crate::store;

/// The number of sessions that one transaction reads.
const PAGE_SIZE: u32 = 500;

/// Publishes one page of the ended sessions again whose access tokens may still be valid. Returns the position of the next
/// page.
///
/// A revoked key is not published again: when other services fetch the published keys, it is not among them.
pub(crate) fn republish(tx: &Tx, now: Timestamp, after: Option<&str>) -> Result<Option<String>, db::Error> {
    let since = now - ACCESS_TOKEN_LIFETIME;
    let sessions = store::ended_sessions(tx, since, after.unwrap_or_default(), PAGE_SIZE)?;
    for session in &sessions {
        publish_ended_session(tx, now, session)?;
    }
    Ok(sessions.last().map(|session| session.state().id.to_string()))
}
