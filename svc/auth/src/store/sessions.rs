use db::{Error, NamedParameters, RowReader, Tx, read_row};
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{SessionId, Timestamp, UserId};

use crate::domain::{Session, SessionState};

db::columns! {
    SESSION: "sessions" = [
        id, user_id, generation, refresh_hash, started_at, refreshed_at, expires_at, ended_at, end_reason, device,
        network, second_factor_at,
    ];
}

fn read_session(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Session> {
    Ok(Session::from_state(SessionState {
        id: row.next()?,
        user_id: row.next()?,
        generation: row.next()?,
        refresh_hash: row.next()?,
        started_at: row.next()?,
        refreshed_at: row.next()?,
        expires_at: row.next()?,
        ended: row.next::<Option<Timestamp>>()?.zip(row.next()?),
        device: row.next()?,
        network: row.next()?,
        second_factor_at: row.next()?,
    }))
}

pub(crate) fn find_session(conn: &Connection, id: SessionId) -> Result<Option<Session>, Error> {
    let sql = format!("SELECT {} FROM sessions WHERE id = ?", SESSION.select);
    Ok(conn
        .prepare_cached(&sql)?
        .query_row([id], read_row(read_session))
        .optional()?)
}

pub(crate) fn insert_session(tx: &Tx, session: &Session) -> Result<(), Error> {
    let state = session.state();
    let (ended_at, end_reason) = state.ended.unzip();
    tx.prepare_cached(SESSION.insert)?.execute_named(named_params! {
        ":id": state.id,
        ":user_id": state.user_id,
        ":generation": state.generation,
        ":refresh_hash": state.refresh_hash,
        ":started_at": state.started_at,
        ":refreshed_at": state.refreshed_at,
        ":expires_at": state.expires_at,
        ":ended_at": ended_at,
        ":end_reason": end_reason,
        ":device": state.device,
        ":network": state.network,
        ":second_factor_at": state.second_factor_at,
    })?;
    Ok(())
}

pub(crate) fn update_session(tx: &Tx, session: &Session) -> Result<(), Error> {
    let state = session.state();
    let (ended_at, end_reason) = state.ended.unzip();
    tx.prepare_cached(
        "UPDATE sessions SET generation = :generation, refresh_hash = :refresh_hash, refreshed_at = :refreshed_at,
             expires_at = :expires_at, ended_at = :ended_at, end_reason = :end_reason, network = :network,
             second_factor_at = :second_factor_at
         WHERE id = :id",
    )?
    .execute_named(named_params! {
        ":id": state.id,
        ":generation": state.generation,
        ":refresh_hash": state.refresh_hash,
        ":refreshed_at": state.refreshed_at,
        ":expires_at": state.expires_at,
        ":ended_at": ended_at,
        ":end_reason": end_reason,
        ":network": state.network,
        ":second_factor_at": state.second_factor_at,
    })?;
    Ok(())
}

/// The number of sessions that one account can have at the same time.
const MAX_OPEN_SESSIONS: u32 = 100;

/// Returns the sessions of an account that have not ended, the newest first. Some of them may have expired.
pub(crate) fn sessions_of(conn: &Connection, user_id: UserId) -> Result<Vec<Session>, Error> {
    let sql = format!(
        "SELECT {} FROM sessions WHERE user_id = ? AND ended_at IS NULL ORDER BY started_at DESC",
        SESSION.select
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map([user_id], read_row(read_session))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns the stored sessions of an account before a row, also those that are over, the newest row first, with their rows.
pub(crate) fn stored_sessions(
    conn: &Connection,
    user_id: UserId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<(i64, Session)>, Error> {
    let sql = format!(
        "SELECT rowid, {} FROM sessions INDEXED BY sessions_by_user
         WHERE user_id = ?1 AND rowid < coalesce(?2, 9223372036854775807) ORDER BY rowid DESC LIMIT ?3",
        SESSION.select
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map(
        (user_id, before, limit),
        read_row(|row| Ok((row.next()?, read_session(row)?))),
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns sessions of an account beyond those that it can have at the same time, the oldest: at most ten.
pub(crate) fn surplus_sessions(conn: &Connection, user_id: UserId) -> Result<Vec<Session>, Error> {
    let sql = format!(
        "SELECT {} FROM sessions WHERE user_id = ? AND ended_at IS NULL ORDER BY started_at DESC LIMIT 10 \
         OFFSET {MAX_OPEN_SESSIONS}",
        SESSION.select
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let rows = statement.query_map([user_id], read_row(read_session))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns the id of the newest session.
pub(crate) fn newest_session(conn: &Connection) -> Result<Option<SessionId>, Error> {
    Ok(conn.query_row("SELECT max(id) FROM sessions", [], |row| row.get(0))?)
}

/// Ends a bounded number of the sessions that were started until now. Returns how many.
pub(crate) fn end_sessions(tx: &Tx, now: Timestamp) -> Result<usize, Error> {
    Ok(tx
        .prepare_cached(
            "UPDATE sessions SET ended_at = ?1, end_reason = 'signed-out' WHERE id IN
             (SELECT id FROM sessions WHERE coalesce(ended_at, expires_at) > ?1 AND started_at <= ?1 LIMIT 1000)",
        )?
        .execute([now])?)
}

/// Deletes a bounded number of the sessions that were over before `before`. Returns how many.
pub(crate) fn delete_sessions_over(tx: &Tx, before: Timestamp) -> Result<usize, Error> {
    Ok(tx
        .prepare_cached(
            "DELETE FROM sessions WHERE id IN
             (SELECT id FROM sessions WHERE coalesce(ended_at, expires_at) < ?
              AND NOT EXISTS (SELECT 1 FROM sign_up_keys WHERE session_id = sessions.id) LIMIT 1000)",
        )?
        .execute([before])?)
}
