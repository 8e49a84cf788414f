use db::{Constraint, Error, Tx};
use rusqlite::Connection;
use values::UserId;

use crate::domain::Email;

/// Returns some accounts whose key is to be computed again, with their addresses as they were typed.
pub(crate) fn outdated_email_keys(conn: &Connection, limit: u32) -> Result<Vec<(UserId, String)>, Error> {
    let mut statement = conn.prepare_cached(
        "SELECT id, email FROM outdated_email_keys JOIN users ON users.id = user_id ORDER BY user_id LIMIT ?",
    )?;
    let rows = statement.query_map([limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Stores the key of an account's address. Returns `false` if another account has it: then the earlier one stays.
pub(crate) fn update_email_key(tx: &Tx, id: UserId, email: &Email) -> Result<bool, Error> {
    let updated = tx
        .prepare_cached("UPDATE users SET email_key = ? WHERE id = ?")?
        .execute((email.key(), id));
    match updated {
        Ok(_) => Ok(true),
        Err(error) if db::constraint(&error) == Some(Constraint::Unique) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Records that the key of an account is up to date.
pub(crate) fn delete_outdated_email_key(tx: &Tx, id: UserId) -> Result<(), Error> {
    tx.prepare_cached("DELETE FROM outdated_email_keys WHERE user_id = ?")?
        .execute([id])?;
    Ok(())
}
