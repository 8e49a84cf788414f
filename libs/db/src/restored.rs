//! The mark in a database that was restored from a backup. Its service clears it after recovery.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::{Error, Schema, Tx, admin, open};

/// Marks the database as restored: events published and consumed since the backup are missing from it.
pub fn mark(tx: &Tx) -> Result<(), Error> {
    Ok(mark_connection(tx)?)
}

pub(crate) fn mark_connection(conn: &Connection) -> rusqlite::Result<()> {
    // A backup that was made during a recovery contains the position of that recovery.
    conn.execute_batch("CREATE TABLE IF NOT EXISTS restored (mark INTEGER PRIMARY KEY) STRICT; DELETE FROM restored")
}

/// Stores the position from which the service recovers, with the mark: the first call decides, so that a recovery that is
/// interrupted continues from the same position although the database has newer records by then. Returns the stored
/// position. Positions are above zero; `None` means the beginning.
pub fn recover_from(tx: &Tx, position: Option<i64>) -> Result<Option<i64>, Error> {
    tx.execute(
        "INSERT INTO restored (mark) SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM restored)",
        [position.unwrap_or_default()],
    )?;
    let stored: i64 = tx.query_row("SELECT mark FROM restored", [], |row| row.get(0))?;
    Ok((stored > 0).then_some(stored))
}

/// Whether the database was restored and its service has not recovered yet.
pub fn is_marked(conn: &Connection) -> Result<bool, Error> {
    Ok(conn.table_exists(Some("main"), "restored")?)
}

/// Clears the mark, after recovery.
pub fn clear(tx: &Tx) -> Result<(), Error> {
    Ok(tx.execute_batch("DROP TABLE IF EXISTS restored")?)
}

/// Moves `<path>.restored` to `path` as [`admin::restore`] does, if there is no database. Returns whether it did.
///
/// For tools that restore files (Litestream).
pub fn install_restored_file(path: &Path, schema: &Schema) -> Result<bool, admin::Error> {
    let copy = open::sibling(path, ".restored");
    if !copy.is_file() {
        return Ok(false);
    }
    let installed = if path.exists() {
        // If it is marked, the file was installed before a power failure. Else the intention is unclear.
        if !is_marked_file(path) {
            tracing::warn!(
                copy = %copy.display(),
                "restored file ignored, because there is a database: use restore --force to replace it"
            );
            return Ok(false);
        }
        false
    } else {
        admin::restore(&copy, path, schema, false)?;
        true
    };
    fs::remove_file(&copy).map_err(|source| admin::Error::Io { path: copy, source })?;
    Ok(installed)
}

fn is_marked_file(path: &Path) -> bool {
    open::connect(path, OpenFlags::empty()).is_ok_and(|conn| is_marked(&conn).unwrap_or(false))
}
