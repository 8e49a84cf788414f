use db::{Error, RowReader, Tx, read_row};
use rusqlite::{Connection, OptionalExtension};
use values::Timestamp;

use crate::domain::SignUpRecord;

fn read_sign_up(row: &mut RowReader<'_, '_>) -> rusqlite::Result<SignUpRecord> {
    Ok(SignUpRecord {
        session_id: row.next()?,
        kid: row.next()?,
        signed_at: row.next()?,
    })
}

/// Returns the sign-up of an idempotency key, if it was after `since`.
pub(crate) fn find_sign_up(conn: &Connection, key: &str, since: Timestamp) -> Result<Option<SignUpRecord>, Error> {
    Ok(conn
        .prepare_cached("SELECT session_id, kid, at FROM sign_up_keys WHERE key = ? AND at > ?")?
        .query_row((key, since), read_row(read_sign_up))
        .optional()?)
}

pub(crate) fn insert_sign_up(tx: &Tx, key: &str, record: &SignUpRecord) -> Result<(), Error> {
    // An expired record is replaced. If the signing key was revoked meanwhile, the sign-up cannot be repeated.
    tx.prepare_cached(
        "INSERT OR REPLACE INTO sign_up_keys (key, session_id, kid, at)
         SELECT ?, ?, kid, ? FROM signing_keys WHERE kid = ?",
    )?
    .execute((key, record.session_id, record.signed_at, &record.kid))?;
    Ok(())
}

/// Deletes a bounded number of the records from before `before`. Returns how many.
pub(crate) fn delete_sign_ups(tx: &Tx, before: Timestamp) -> Result<usize, Error> {
    Ok(tx
        .prepare_cached(
            "DELETE FROM sign_up_keys WHERE key IN (SELECT key FROM sign_up_keys WHERE at < ? ORDER BY at LIMIT 1000)",
        )?
        .execute([before])?)
}
