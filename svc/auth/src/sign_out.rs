use db::Tx;
use values::{SessionId, Timestamp};

use crate::{session::EndReason, store};

/// Ends a session: its refresh tokens are worth nothing from now on. `false`: it was over already.
pub(crate) fn sign_out(tx: &Tx, now: Timestamp, id: SessionId) -> Result<bool, db::Error> {
    let Some(mut session) = store::session(tx, id)?.filter(|session| session.is_open(now)) else {
        return Ok(false);
    };
    session.end(EndReason::SignedOut, now);
    store::update_session(tx, &session)?;
    Ok(true)
}
