use bus::outbox;
use db::Tx;
use events::{Event, Session as EndedSession, SigningKey};
use token::{ACCESS_TOKEN_LIFETIME, Denial};
use values::Timestamp;

use crate::domain::Session;

/// The name of the service: its queue, the source of its events, and its database.
pub(crate) const SERVICE_NAME: &str = "auth";

/// Publishes the end of a session and stores that its access tokens are refused. Returns the denial, for the list in
/// memory; `None` if the session has not ended.
pub(crate) fn publish_ended_session(tx: &Tx, now: Timestamp, session: &Session) -> Result<Option<Denial>, db::Error> {
    let state = session.state();
    let Some((ended_at, _)) = state.ended else {
        return Ok(None);
    };
    publish(
        tx,
        now,
        Event::SessionEnded(EndedSession {
            id: state.id,
            version: 1,
            user_id: state.user_id,
            ended_at,
            tokens_expire_at: ended_at + ACCESS_TOKEN_LIFETIME,
        }),
    )
}

/// Publishes that a key was revoked, and stores that its tokens are refused.
pub(crate) fn publish_revoked_key(tx: &Tx, now: Timestamp, kid: String) -> Result<(), db::Error> {
    let revoked = SigningKey {
        kid,
        version: 1,
        revoked_at: now,
    };
    publish(tx, now, Event::SigningKeyRevoked(revoked))?;
    Ok(())
}

fn publish(tx: &Tx, now: Timestamp, event: Event) -> Result<Option<Denial>, db::Error> {
    let denial = revocation::denial(&event);
    if let Some(denial) = &denial {
        revocation::store(tx, now, denial)?;
    }
    outbox::append(tx, SERVICE_NAME, now, event)?;
    Ok(denial)
}
