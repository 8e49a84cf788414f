use db::{Error, NamedParameters, RowReader, Tx, read_row};
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{Timestamp, UserId};

use crate::domain::{Email, EmailChange, LinkHash};

fn read_change(row: &mut RowReader<'_, '_>) -> rusqlite::Result<EmailChange> {
    Ok(EmailChange {
        user_id: row.next()?,
        email: row.next()?,
        approve_hash: row.next()?,
        confirm_hash: row.next()?,
        expires_at: row.next()?,
    })
}

/// Inserts a change. An earlier one of the account is replaced.
pub(crate) fn insert_email_change(tx: &Tx, change: &EmailChange, email: &Email) -> Result<(), Error> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO email_changes (user_id, email, email_key, approve_hash, confirm_hash, expires_at)
         VALUES (:user_id, :email, :email_key, :approve_hash, :confirm_hash, :expires_at)",
    )?
    .execute_named(named_params! {
        ":user_id": change.user_id,
        ":email": change.email,
        ":email_key": email.key(),
        ":approve_hash": change.approve_hash,
        ":confirm_hash": change.confirm_hash,
        ":expires_at": change.expires_at,
    })?;
    Ok(())
}

/// Returns the change that a token confirms.
pub(crate) fn email_change_of_link(
    conn: &Connection,
    hash: &LinkHash,
    now: Timestamp,
) -> Result<Option<EmailChange>, Error> {
    Ok(conn
        .prepare_cached(
            "SELECT user_id, email, approve_hash, confirm_hash, expires_at FROM email_changes
             WHERE (approve_hash = ?1 OR confirm_hash = ?1) AND expires_at > ?2",
        )?
        .query_row((hash, now), read_row(read_change))
        .optional()?)
}

/// Stores which tokens of a change are used.
pub(crate) fn update_email_change(tx: &Tx, change: &EmailChange) -> Result<(), Error> {
    tx.prepare_cached("UPDATE email_changes SET approve_hash = ?, confirm_hash = ? WHERE user_id = ?")?
        .execute((change.approve_hash, change.confirm_hash, change.user_id))?;
    Ok(())
}

pub(crate) fn delete_email_change(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    tx.prepare_cached("DELETE FROM email_changes WHERE user_id = ?")?
        .execute([user_id])?;
    Ok(())
}

/// Deletes a bounded number of the changes that have expired. Returns how many.
pub(crate) fn delete_expired_email_changes(tx: &Tx, now: Timestamp) -> Result<usize, Error> {
    Ok(tx
        .prepare_cached(
            "DELETE FROM email_changes WHERE user_id IN
             (SELECT user_id FROM email_changes WHERE expires_at <= ? ORDER BY expires_at LIMIT 1000)",
        )?
        .execute([now])?)
}

/// Returns the address that an account is to have, while its user has not confirmed it.
pub(crate) fn requested_address(conn: &Connection, user_id: UserId, now: Timestamp) -> Result<Option<String>, Error> {
    Ok(conn
        .prepare_cached("SELECT email FROM email_changes WHERE user_id = ? AND expires_at > ?")?
        .query_row((user_id, now), |row| row.get(0))
        .optional()?)
}
