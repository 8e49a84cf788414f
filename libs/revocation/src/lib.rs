//! Access tokens that are refused before they expire: their session has ended, or their key was revoked.
//!
//! Auth publishes both. Each service stores them as long as such a token could be accepted, so that it still refuses the
//! token after a restart, and applies them from a [`DenyList`] in memory. The chassis does that for every service.

use std::time::Duration;

use db::{Error, Tx};
use events::Event;
use rusqlite::Connection;
use token::{Denial, DenyList};
use values::{SessionId, Timestamp};

/// The migration that creates the table; a service lists it among its own.
pub const SCHEMA_V1: &str = include_str!("v1.sql");

/// How long a denial is kept after the last token has expired: the clock may be set back by as much, and the clocks of
/// services differ.
const CLOCK_MARGIN: Duration = Duration::from_hours(1);

/// How long a revoked key is refused. Services fetch auth's keys every few minutes and know then that it is gone; one
/// that cannot reach auth uses the keys that it has.
const KEY_RETENTION: Duration = Duration::from_hours(30 * 24);

/// The number of expired rows that are deleted with each new one.
const PURGE_LIMIT: u32 = 100;

/// Returns the denial that an event announces, if it announces one.
pub fn denial(event: &Event) -> Option<Denial> {
    if let Some(session) = event.as_session() {
        Some(Denial::Session {
            id: session.id,
            until: session.tokens_expire_at + CLOCK_MARGIN,
        })
    } else {
        event.as_signing_key().map(|key| Denial::Key {
            kid: key.kid.clone(),
            until: key.revoked_at + KEY_RETENTION,
        })
    }
}

/// Stores a denial, and deletes some that have expired. Idempotent.
pub fn store(tx: &Tx, now: Timestamp, denial: &Denial) -> Result<(), Error> {
    tx.prepare_cached(
        "DELETE FROM denied_tokens WHERE (kind, id) IN
         (SELECT kind, id FROM denied_tokens WHERE until <= ? ORDER BY until LIMIT ?)",
    )?
    .execute((now, PURGE_LIMIT))?;
    let (kind, id, until) = match denial {
        Denial::Session { id, until } => ("session", id.to_string(), until),
        Denial::Key { kid, until } => ("key", kid.clone(), until),
    };
    tx.prepare_cached(
        "INSERT INTO denied_tokens (kind, id, until) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
    )?
    .execute((kind, id, until))?;
    Ok(())
}

/// The statement of [`denied_sessions`], by the primary key.
const DENIED_SESSIONS: &str = "SELECT id FROM denied_tokens WHERE kind = 'session' AND id > ? ORDER BY id LIMIT ?";

/// Returns a page of the sessions whose tokens are refused, in the order of their ids: those after `after`. Some may have
/// expired.
pub fn denied_sessions(conn: &Connection, after: &str, limit: u32) -> Result<Vec<SessionId>, Error> {
    let mut statement = conn.prepare_cached(DENIED_SESSIONS)?;
    let rows = statement.query_map((after, limit), |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns the list of all stored denials that have not expired.
pub fn load(conn: &Connection, now: Timestamp) -> Result<DenyList, Error> {
    let list = DenyList::default();
    // Those that expire last come last: they stay on the list if it is full.
    let mut statement = conn.prepare("SELECT kind, id, until FROM denied_tokens WHERE until > ? ORDER BY until")?;
    let mut rows = statement.query([now])?;
    while let Some(row) = rows.next()? {
        let (kind, until): (String, Timestamp) = (row.get(0)?, row.get(2)?);
        let denial = match kind.as_str() {
            "session" => Denial::Session { id: row.get(1)?, until },
            _ => Denial::Key {
                kid: row.get(1)?,
                until,
            },
        };
        list.add(denial, now);
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_denied_sessions_reads_no_other_rows() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(SCHEMA_V1).unwrap();
        let plan = db::query_plan(&conn, DENIED_SESSIONS).unwrap();
        assert_eq!(plan, ["SEARCH denied_tokens USING PRIMARY KEY (kind=? AND id>?)"]);
    }
}
