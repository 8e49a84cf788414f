use db::{Error, NamedParameters, RowReader, Tx, read_row};
use rusqlite::{Connection, OptionalExtension, named_params};
use values::UserId;

use crate::domain::SecondFactor;

/// The columns of a second factor, in the order in which they are read.
const FACTOR: &str = "user_id, sealed, created_at, enabled_at, last_step";

fn read_factor(row: &mut RowReader<'_, '_>) -> rusqlite::Result<SecondFactor> {
    Ok(SecondFactor {
        user_id: row.next()?,
        sealed: row.next()?,
        created_at: row.next()?,
        enabled_at: row.next()?,
        last_step: row.next()?,
    })
}

pub(crate) fn find_second_factor(conn: &Connection, user_id: UserId) -> Result<Option<SecondFactor>, Error> {
    Ok(conn
        .prepare_cached(&format!("SELECT {FACTOR} FROM second_factors WHERE user_id = ?"))?
        .query_row([user_id], read_row(read_factor))
        .optional()?)
}

/// Returns a page of the second factors, after an account.
pub(crate) fn second_factors_after(conn: &Connection, after: &str, limit: u32) -> Result<Vec<SecondFactor>, Error> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {FACTOR} FROM second_factors WHERE user_id > ? ORDER BY user_id LIMIT ?"
    ))?;
    let rows = statement.query_map((after, limit), read_row(read_factor))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Inserts a second factor, or replaces that of the account.
pub(crate) fn put_second_factor(tx: &Tx, factor: &SecondFactor) -> Result<(), Error> {
    tx.prepare_cached(
        "INSERT INTO second_factors (user_id, sealed, created_at, enabled_at, last_step)
         VALUES (:user_id, :sealed, :created_at, :enabled_at, :last_step)
         ON CONFLICT (user_id) DO UPDATE SET sealed = :sealed, created_at = :created_at, enabled_at = :enabled_at,
             last_step = :last_step",
    )?
    .execute_named(named_params! {
        ":user_id": factor.user_id,
        ":sealed": factor.sealed,
        ":created_at": factor.created_at,
        ":enabled_at": factor.enabled_at,
        ":last_step": factor.last_step,
    })?;
    Ok(())
}

/// Deletes the second factor of an account with its recovery codes.
pub(crate) fn delete_second_factor(tx: &Tx, user_id: UserId) -> Result<(), Error> {
    tx.prepare_cached("DELETE FROM recovery_codes WHERE user_id = ?")?
        .execute([user_id])?;
    tx.prepare_cached("DELETE FROM second_factors WHERE user_id = ?")?
        .execute([user_id])?;
    Ok(())
}

/// Replaces the recovery codes of an account.
pub(crate) fn replace_recovery_codes(tx: &Tx, user_id: UserId, hashes: &[[u8; 32]]) -> Result<(), Error> {
    tx.prepare_cached("DELETE FROM recovery_codes WHERE user_id = ?")?
        .execute([user_id])?;
    let mut insert = tx.prepare_cached("INSERT INTO recovery_codes (user_id, code_hash) VALUES (?, ?)")?;
    for hash in hashes {
        insert.execute((user_id, hash))?;
    }
    Ok(())
}

/// Deletes a recovery code that is used. Returns whether there was one with this hash.
pub(crate) fn take_recovery_code(tx: &Tx, user_id: UserId, hash: &[u8; 32]) -> Result<bool, Error> {
    let deleted = tx
        .prepare_cached("DELETE FROM recovery_codes WHERE user_id = ? AND code_hash = ?")?
        .execute((user_id, hash))?;
    Ok(deleted > 0)
}

/// Returns how many recovery codes an account has left.
pub(crate) fn recovery_code_count(conn: &Connection, user_id: UserId) -> Result<u32, Error> {
    Ok(conn
        .prepare_cached("SELECT count(*) FROM recovery_codes WHERE user_id = ?")?
        .query_row([user_id], |row| row.get(0))?)
}
