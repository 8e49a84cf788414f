use db::Tx;
use values::{SessionId, Timestamp};

use crate::{domain::EndReason, store};

/// Ends a session, so that its refresh tokens become invalid. Returns `false` if it was over already.
pub(crate) fn sign_out(tx: &Tx, now: Timestamp, id: SessionId) -> Result<bool, db::Error> {
    let Some(mut session) = store::find_session(tx, id)?.filter(|session| session.is_open(now)) else {
        return Ok(false);
    };
    session.end(EndReason::SignedOut, now);
    store::update_session(tx, &session)?;
    Ok(true)
}
