//! Every SQL statement of this service.

use db::{Constraint, Error, Tx};
use rusqlite::{Connection, OptionalExtension, Row};
use values::{SessionId, Timestamp, UserId};

use crate::{
    account::Account,
    email::Email,
    keys::StoredKey,
    session::{EndReason, Session},
};

/// Which sign-up an `Idempotency-Key` stands for.
pub(crate) struct SignUpKey {
    pub(crate) session_id: SessionId,
    /// The key that signed.
    pub(crate) kid: String,
    /// When it was signed.
    pub(crate) at: Timestamp,
}

pub(crate) fn account_by_email(conn: &Connection, email: &Email) -> Result<Option<Account>, Error> {
    one(
        conn,
        "SELECT id, email, password_hash FROM users WHERE email_key = ?",
        [email.key()],
        read_account,
    )
}

pub(crate) fn account(conn: &Connection, id: UserId) -> Result<Option<Account>, Error> {
    one(
        conn,
        "SELECT id, email, password_hash FROM users WHERE id = ?",
        [id],
        read_account,
    )
}

/// `false`: somebody has this address already.
pub(crate) fn insert_account(tx: &Tx, account: &Account, email: &Email, now: Timestamp) -> Result<bool, Error> {
    let inserted = tx
        .prepare_cached("INSERT INTO users (id, email, email_key, password_hash, created_at) VALUES (?, ?, ?, ?, ?)")?
        .execute((account.id, email.as_str(), email.key(), &account.password_hash, now));
    match inserted {
        Ok(_) => Ok(true),
        Err(error) if db::constraint(&error) == Some(Constraint::Unique) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn session(conn: &Connection, id: SessionId) -> Result<Option<Session>, Error> {
    let sql = "SELECT id, user_id, generation, refresh_hash, started_at, expires_at, ended_at, end_reason
               FROM sessions WHERE id = ?";
    one(conn, sql, [id], |row| {
        let reason: Option<EndReason> = row.get(7)?;
        Ok(Session {
            id: row.get(0)?,
            user_id: row.get(1)?,
            generation: row.get(2)?,
            refresh_hash: row.get(3)?,
            started_at: row.get(4)?,
            expires_at: row.get(5)?,
            ended: row.get::<_, Option<Timestamp>>(6)?.zip(reason),
        })
    })
}

pub(crate) fn insert_session(tx: &Tx, session: &Session) -> Result<(), Error> {
    tx.prepare_cached(
        "INSERT INTO sessions (id, user_id, generation, refresh_hash, started_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute((
        session.id,
        session.user_id,
        session.generation,
        session.refresh_hash,
        session.started_at,
        session.expires_at,
    ))?;
    Ok(())
}

pub(crate) fn update_session(tx: &Tx, session: &Session) -> Result<(), Error> {
    let (ended_at, reason) = session.ended.unzip();
    tx.prepare_cached(
        "UPDATE sessions SET generation = ?, refresh_hash = ?, expires_at = ?, ended_at = ?, end_reason = ? WHERE id = ?",
    )?
    .execute((session.generation, session.refresh_hash, session.expires_at, ended_at, reason, session.id))?;
    Ok(())
}

/// Forgets sessions that were over before `before`; some of them, if there are many.
pub(crate) fn delete_sessions_over(tx: &Tx, before: Timestamp) -> Result<usize, Error> {
    Ok(tx
        .prepare_cached(
            "DELETE FROM sessions WHERE id IN
             (SELECT id FROM sessions WHERE coalesce(ended_at, expires_at) < ?
              AND NOT EXISTS (SELECT 1 FROM sign_up_keys WHERE session_id = sessions.id) LIMIT 1000)",
        )?
        .execute([before])?)
}

/// The sign-up that a key stands for, if it was after `since`.
pub(crate) fn sign_up_key(conn: &Connection, key: &str, since: Timestamp) -> Result<Option<SignUpKey>, Error> {
    one(
        conn,
        "SELECT session_id, kid, at FROM sign_up_keys WHERE key = ? AND at > ?",
        (key, since),
        |row| {
            Ok(SignUpKey {
                session_id: row.get(0)?,
                kid: row.get(1)?,
                at: row.get(2)?,
            })
        },
    )
}

pub(crate) fn insert_sign_up_key(tx: &Tx, key: &str, sign_up: &SignUpKey) -> Result<(), Error> {
    // One that has had its time is replaced. Where the signing key was revoked a moment ago, there is nothing to repeat.
    tx.prepare_cached(
        "INSERT OR REPLACE INTO sign_up_keys (key, session_id, kid, at)
         SELECT ?, ?, kid, ? FROM signing_keys WHERE kid = ?",
    )?
    .execute((key, sign_up.session_id, sign_up.at, &sign_up.kid))?;
    Ok(())
}

pub(crate) fn delete_sign_up_keys(tx: &Tx, before: Timestamp) -> Result<usize, Error> {
    Ok(tx
        .prepare_cached(
            "DELETE FROM sign_up_keys WHERE key IN (SELECT key FROM sign_up_keys WHERE at < ? ORDER BY at LIMIT 1000)",
        )?
        .execute([before])?)
}

/// All signing keys, the newest first.
pub(crate) fn signing_keys(conn: &Connection) -> Result<Vec<StoredKey>, Error> {
    let sql =
        "SELECT kid, seed, created_at, retired_at FROM signing_keys ORDER BY retired_at IS NULL DESC, created_at DESC";
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(StoredKey {
            kid: row.get(0)?,
            seed: row.get(1)?,
            created_at: row.get(2)?,
            retired_at: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn insert_signing_key(tx: &Tx, key: &StoredKey) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO signing_keys (kid, seed, created_at, retired_at) VALUES (?, ?, ?, ?)",
        (&key.kid, key.seed, key.created_at, key.retired_at),
    )?;
    Ok(())
}

pub(crate) fn retire_signing_key(tx: &Tx, now: Timestamp) -> Result<(), Error> {
    // Also if the clock was set back in the meantime.
    tx.execute(
        "UPDATE signing_keys SET retired_at = max(created_at, ?) WHERE retired_at IS NULL",
        [now],
    )?;
    Ok(())
}

pub(crate) fn delete_signing_keys(tx: &Tx, retired_before: Timestamp) -> Result<usize, Error> {
    Ok(tx.execute(
        "DELETE FROM signing_keys WHERE retired_at < ? AND NOT EXISTS (SELECT 1 FROM sign_up_keys WHERE kid = signing_keys.kid)",
        [retired_before],
    )?)
}

/// Forgets all keys, and the sign-ups that could only be repeated with them.
pub(crate) fn delete_all_keys(tx: &Tx) -> Result<(), Error> {
    tx.execute("DELETE FROM sign_up_keys", [])?;
    tx.execute("DELETE FROM signing_keys", [])?;
    tx.execute("DELETE FROM refresh_key", [])?;
    Ok(())
}

/// Ends sessions that were begun until now; some of them, if there are many. How many it were.
pub(crate) fn end_sessions(tx: &Tx, now: Timestamp) -> Result<usize, Error> {
    Ok(tx
        .prepare_cached(
            "UPDATE sessions SET ended_at = ?1, end_reason = 'signed-out' WHERE id IN
             (SELECT id FROM sessions WHERE coalesce(ended_at, expires_at) > ?1 AND started_at <= ?1 LIMIT 1000)",
        )?
        .execute([now])?)
}

pub(crate) fn refresh_key(conn: &Connection) -> Result<Option<[u8; 32]>, Error> {
    one(conn, "SELECT seed FROM refresh_key WHERE id = 1", [], |row| row.get(0))
}

pub(crate) fn insert_refresh_key(tx: &Tx, seed: [u8; 32]) -> Result<(), Error> {
    tx.execute("INSERT INTO refresh_key (id, seed) VALUES (1, ?)", [seed])?;
    Ok(())
}

fn one<T>(
    conn: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, Error> {
    Ok(conn.prepare_cached(sql)?.query_row(values, read).optional()?)
}

fn read_account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        id: row.get(0)?,
        email: row.get(1)?,
        password_hash: row.get(2)?,
    })
}
