use db::{Constraint, Error, NamedParameters, RowReader, Tx, read_row};
use idempotency::IdempotencyKey;
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{Timestamp, UserId};

use crate::domain::{Email, LinkHash, Name, PendingSignUp, Profile};

/// The columns of a sign-up, in the order in which they are read.
const SIGN_UP: &str = "user_id, email, password_hash, name, language, expires_at";

fn read_sign_up(row: &mut RowReader<'_, '_>) -> rusqlite::Result<PendingSignUp> {
    Ok(PendingSignUp {
        user_id: row.next()?,
        email: row.next()?,
        password_hash: row.next()?,
        profile: Profile {
            name: row.next::<Option<String>>()?.map(Name::from_stored),
            language: row.next()?,
        },
        expires_at: row.next()?,
    })
}

/// Inserts a sign-up. Returns `false` if the idempotency key was used already, by a sign-up that has not expired.
pub(crate) fn insert_pending_sign_up(
    tx: &Tx,
    sign_up: &PendingSignUp,
    email: &Email,
    key: Option<&IdempotencyKey>,
    now: Timestamp,
) -> Result<bool, Error> {
    tx.prepare_cached("DELETE FROM pending_sign_ups WHERE idempotency_key = ? AND expires_at <= ?")?
        .execute((key.map(IdempotencyKey::as_str), now))?;
    let inserted = tx
        .prepare_cached(
            "INSERT INTO pending_sign_ups (user_id, email, email_key, password_hash, name, language, idempotency_key,
                 expires_at)
             VALUES (:user_id, :email, :email_key, :password_hash, :name, :language, :idempotency_key, :expires_at)",
        )?
        .execute_named(named_params! {
            ":user_id": sign_up.user_id,
            ":email": sign_up.email,
            ":email_key": email.key(),
            ":password_hash": sign_up.password_hash,
            ":name": sign_up.profile.name.as_ref().map(Name::as_str),
            ":language": sign_up.profile.language,
            ":idempotency_key": key.map(IdempotencyKey::as_str),
            ":expires_at": sign_up.expires_at,
        });
    match inserted {
        Ok(_) => Ok(true),
        Err(error) if db::constraint(&error) == Some(Constraint::Unique) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Returns the sign-up with this idempotency key.
pub(crate) fn pending_sign_up_of_key(
    conn: &Connection,
    key: &str,
    now: Timestamp,
) -> Result<Option<PendingSignUp>, Error> {
    Ok(conn
        .prepare_cached(&format!(
            "SELECT {SIGN_UP} FROM pending_sign_ups WHERE idempotency_key = ? AND expires_at > ?"
        ))?
        .query_row((key, now), read_row(read_sign_up))
        .optional()?)
}

/// Returns a sign-up by the account that it may become.
pub(crate) fn pending_sign_up(conn: &Connection, id: UserId, now: Timestamp) -> Result<Option<PendingSignUp>, Error> {
    Ok(conn
        .prepare_cached(&format!(
            "SELECT {SIGN_UP} FROM pending_sign_ups WHERE user_id = ? AND expires_at > ?"
        ))?
        .query_row((id, now), read_row(read_sign_up))
        .optional()?)
}

/// Returns the newest sign-up with the key of an address.
pub(crate) fn newest_pending_sign_up(
    conn: &Connection,
    email_key: &str,
    now: Timestamp,
) -> Result<Option<PendingSignUp>, Error> {
    Ok(conn
        .prepare_cached(&format!(
            "SELECT {SIGN_UP} FROM pending_sign_ups WHERE email_key = ? AND expires_at > ? ORDER BY user_id DESC LIMIT 1"
        ))?
        .query_row((email_key, now), read_row(read_sign_up))
        .optional()?)
}

/// Whether another sign-up than this one has the address.
pub(crate) fn has_other_sign_up(conn: &Connection, email: &Email, id: UserId, now: Timestamp) -> Result<bool, Error> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM pending_sign_ups WHERE email_key = ? AND user_id <> ? AND expires_at > ?")?
        .exists((email.key(), id, now))?)
}

/// Returns the sign-up whose address is confirmed with this token.
pub(crate) fn pending_sign_up_of_link(
    conn: &Connection,
    hash: &LinkHash,
    now: Timestamp,
) -> Result<Option<PendingSignUp>, Error> {
    Ok(conn
        .prepare_cached(&format!(
            "SELECT {SIGN_UP} FROM pending_sign_ups WHERE token_hash = ? AND expires_at > ?"
        ))?
        .query_row((hash, now), read_row(read_sign_up))
        .optional()?)
}

/// Stores the hash of the token that is sent for a sign-up, and when both expire. An earlier token is replaced.
pub(crate) fn set_sign_up_link(tx: &Tx, id: UserId, hash: &LinkHash, expires_at: Timestamp) -> Result<(), Error> {
    tx.prepare_cached("UPDATE pending_sign_ups SET token_hash = ?, expires_at = ? WHERE user_id = ?")?
        .execute((hash, expires_at, id))?;
    Ok(())
}

/// Deletes the sign-ups with the key of an address.
pub(crate) fn delete_pending_sign_ups(tx: &Tx, email: &Email) -> Result<(), Error> {
    tx.prepare_cached("DELETE FROM pending_sign_ups WHERE email_key = ?")?
        .execute([email.key()])?;
    Ok(())
}

/// Deletes a bounded number of the sign-ups that have expired. Returns how many.
pub(crate) fn delete_expired_sign_ups(tx: &Tx, now: Timestamp) -> Result<usize, Error> {
    Ok(tx
        .prepare_cached(
            "DELETE FROM pending_sign_ups WHERE user_id IN
             (SELECT user_id FROM pending_sign_ups WHERE expires_at <= ? ORDER BY expires_at LIMIT 1000)",
        )?
        .execute([now])?)
}
