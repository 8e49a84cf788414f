//! The key that signs codes.

use db::Tx;
use rusqlite::{Connection, OptionalExtension};
use values::Timestamp;

/// Returns the sealed key, if there is one.
pub(crate) fn code_key(conn: &Connection) -> Result<Option<Vec<u8>>, db::Error> {
    Ok(conn
        .prepare_cached("SELECT sealed FROM code_key")?
        .query_row([], |row| row.get(0))
        .optional()?)
}

/// Stores the key, unless there is one.
pub(crate) fn insert_code_key(tx: &Tx, now: Timestamp, sealed: &[u8]) -> Result<(), db::Error> {
    tx.execute(
        "INSERT OR IGNORE INTO code_key (id, sealed, created_at) VALUES (1, ?, ?)",
        (sealed, now),
    )?;
    Ok(())
}
