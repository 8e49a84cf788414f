//! The mark in a database that was restored from a backup. Its service records the progress of the recovery in it, and
//! clears it at the end: the journal is applied first, then the service serves and publishes what has changed again.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::{Error, Schema, Tx, admin, open};

/// Marks the database as restored: events published and consumed since the backup are missing from it.
pub fn mark(tx: &Tx) -> Result<(), Error> {
    Ok(mark_connection(tx)?)
}

pub(crate) fn mark_connection(conn: &Connection) -> rusqlite::Result<()> {
    // A backup that was made during a recovery contains the progress of that recovery.
    conn.execute_batch(
        "DROP TABLE IF EXISTS restored;
         CREATE TABLE restored (
             since_millis    INTEGER PRIMARY KEY,
             journal_applied INTEGER NOT NULL DEFAULT 0 CHECK (journal_applied IN (0, 1))
         ) STRICT;",
    )
}

/// Stores the time from which the service recovers, in milliseconds since 1970. The first call decides, so that a
/// recovery that is interrupted continues from the same time although the database has newer records by then. Returns
/// the stored time. Times are above zero; `None` means the beginning.
pub fn recover_from(tx: &Tx, since_millis: Option<i64>) -> Result<Option<i64>, Error> {
    if !has_progress(tx)? {
        mark_connection(tx)?;
    }
    tx.execute(
        "INSERT INTO restored (since_millis) SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM restored)",
        [since_millis.unwrap_or_default()],
    )?;
    let stored: i64 = tx.query_row("SELECT since_millis FROM restored", [], |row| row.get(0))?;
    Ok((stored > 0).then_some(stored))
}

/// Records that the journal is applied: the database is no longer outdated. [`recover_from`] was called before; if the
/// database was marked again since, the journal is to be applied again.
pub fn record_applied_journal(tx: &Tx) -> Result<(), Error> {
    tx.execute("UPDATE restored SET journal_applied = 1", [])?;
    Ok(())
}

/// Whether the database was restored and its service has not finished the recovery.
pub fn is_marked(conn: &Connection) -> Result<bool, Error> {
    has_row(
        conn,
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'restored'",
    )
}

/// Whether the database was restored and the journal is not applied yet: events published and consumed since the backup
/// are missing from it.
pub fn is_outdated(conn: &Connection) -> Result<bool, Error> {
    if !is_marked(conn)? {
        return Ok(false);
    }
    if !has_progress(conn)? {
        return Ok(true);
    }
    Ok(!has_row(conn, "SELECT 1 FROM restored WHERE journal_applied = 1")?)
}

/// Whether the mark has columns for the progress: earlier releases recorded none.
fn has_progress(conn: &Connection) -> Result<bool, Error> {
    has_row(
        conn,
        "SELECT 1 FROM pragma_table_info('restored') WHERE name = 'journal_applied'",
    )
}

/// Whether the query has a result. Unlike `table_exists` and `column_exists`, a query does not use an outdated schema
/// that the connection has in memory.
fn has_row(conn: &Connection, query: &str) -> Result<bool, Error> {
    Ok(conn.prepare(query)?.exists([])?)
}

/// Clears the mark at the end of the recovery, unless the database was marked again since the journal was applied.
pub fn finish_recovery(tx: &Tx) -> Result<(), Error> {
    if is_outdated(tx)? { Ok(()) } else { clear(tx) }
}

/// Clears the mark.
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
