//! A database that was put back from a backup says so itself, until its service has caught up with what it has missed.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::{Error, Schema, Tx, admin, open};

/// Marks the database: whoever opens it next knows that it is behind what was said and heard since.
pub fn mark(tx: &Tx) -> Result<(), Error> {
    Ok(mark_in(tx)?)
}

pub(crate) fn mark_in(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute_batch("CREATE TABLE IF NOT EXISTS restored (mark INTEGER PRIMARY KEY) STRICT")
}

/// Whether the database was put back and its service has not caught up yet.
pub fn is_marked(conn: &Connection) -> Result<bool, Error> {
    Ok(conn.table_exists(Some("main"), "restored")?)
}

/// Its service has caught up.
pub fn clear(tx: &Tx) -> Result<(), Error> {
    Ok(tx.execute_batch("DROP TABLE IF EXISTS restored")?)
}

/// Puts `<path>.restored` in the place of `path`, where there is no database, as [`admin::restore`] does; says whether it
/// did. That is how something that has only files (Litestream) hands over what it has restored.
pub fn put_back(path: &Path, schema: &Schema) -> Result<bool, admin::Error> {
    let copy = open::beside(path, ".restored");
    if !copy.is_file() {
        return Ok(false);
    }
    let put = if path.exists() {
        // Either it was just put there, and the power failed, or somebody wants two things at once.
        if !reads_as_marked(path) {
            tracing::warn!(
                copy = %copy.display(),
                "left alone, because there is a database: use restore --force to replace that"
            );
            return Ok(false);
        }
        false
    } else {
        admin::restore(&copy, path, schema, false)?;
        true
    };
    fs::remove_file(&copy).map_err(|source| admin::Error::Io { path: copy, source })?;
    Ok(put)
}

fn reads_as_marked(path: &Path) -> bool {
    open::connect(path, OpenFlags::empty()).is_ok_and(|conn| is_marked(&conn).unwrap_or(false))
}
