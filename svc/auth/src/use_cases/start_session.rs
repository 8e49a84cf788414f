use std::net::IpAddr;

use audit::Entry;
use db::Tx;
use token::Denial;
use values::Timestamp;

use super::end_session::end_session;
use crate::{
    domain::{EndReason, Session},
    store,
};

/// Starts a session, unless the account was deleted since it was read: then it returns `None`. Beyond the number that an account
/// can have, the oldest ones are ended; returns their denials.
pub(super) fn start_session(
    tx: &Tx,
    now: Timestamp,
    session: &Session,
    started: &Entry,
    client: IpAddr,
) -> Result<Option<Vec<Denial>>, db::Error> {
    if store::find_account(tx, session.state().user_id)?.is_none_or(|account| account.is_deleted()) {
        return Ok(None);
    }
    store::insert_session(tx, session)?;
    audit::append_limited(tx, now, started)?;
    let mut denials = Vec::new();
    for mut surplus in store::surplus_sessions(tx, session.state().user_id)? {
        denials.extend(end_session(tx, now, &mut surplus, EndReason::SignedOut, client)?);
    }
    Ok(Some(denials))
}
