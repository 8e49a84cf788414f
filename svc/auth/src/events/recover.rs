use bus::ConsumeError;
use db::Tx;
use events::{Envelope, Event};
use rusqlite::Connection;
use values::{SessionId, Timestamp};

use crate::{domain::EndReason, store};

/// Ends a session that has ended since the backup, and deletes the keys if one of them was revoked. Returns whether the
/// database changed. Sessions that were started since the backup are lost.
pub(crate) fn recover(tx: &Tx, now: Timestamp, envelope: &Envelope) -> Result<bool, ConsumeError> {
    if let Some(denial) = revocation::denial(&envelope.event) {
        revocation::store(tx, now, &denial)?;
    }
    match &envelope.event {
        Event::SessionEnded(ended) => {
            let open = store::find_session(tx, ended.id)?.filter(|session| session.state().ended.is_none());
            let Some(mut session) = open else { return Ok(false) };
            session.end(EndReason::SignedOut, ended.ended_at);
            store::update_session(tx, &session)?;
            Ok(true)
        }
        Event::SigningKeyRevoked(revoked) => {
            let is_stored = store::signing_keys(tx)?.iter().any(|key| key.kid == revoked.kid);
            if is_stored {
                // New ones are created when the keys are loaded next.
                store::delete_all_keys(tx)?;
            }
            Ok(is_stored)
        }
        _ => Ok(false),
    }
}

/// Returns the start of the newest session.
pub(crate) fn newest_record_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    Ok(store::newest_session(conn)?.and_then(SessionId::created_at))
}
