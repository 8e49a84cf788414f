use db::Tx;
use token::Denial;
use values::Timestamp;

use crate::{
    domain::{EndReason, Session},
    events::publish_ended_session,
    store,
};

/// Ends a session: its refresh tokens become invalid, and every service refuses its access tokens. Returns the denial for
/// the list of this service.
pub(super) fn end_session(
    tx: &Tx,
    now: Timestamp,
    session: &mut Session,
    reason: EndReason,
) -> Result<Option<Denial>, db::Error> {
    session.end(reason, now);
    store::update_session(tx, session)?;
    publish_ended_session(tx, now, session)
}
