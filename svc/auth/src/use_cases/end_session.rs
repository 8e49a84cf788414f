use std::net::IpAddr;

use db::Tx;
use token::Denial;
use values::Timestamp;

use super::audit_entries::session_ended;
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
    client: IpAddr,
) -> Result<Option<Denial>, db::Error> {
    session.end(reason, now);
    store::update_session(tx, session)?;
    let state = session.state();
    audit::append_limited(tx, now, &session_ended(state.user_id, state.id, client, reason))?;
    publish_ended_session(tx, now, session)
}
