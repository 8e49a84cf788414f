//! Litestream, another process that copies the write-ahead log.
//!
//! It remembers the frame at which it stopped. If a restarted log is written over the old one, the old frames behind the new
//! ones look like that position after a pause. So its log is truncated. A log that nothing else reads is overwritten in
//! place: a commit then changes no metadata of the file, and the disk has less to flush.

use rusqlite::Connection;

/// Finds a table that Litestream creates before it reads the log. It stays in the database, and in copies of it.
const FIND_TABLE: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_litestream_seq'";

/// Whether Litestream copies the database, or has copied it before.
pub(crate) fn is_replicated(conn: &Connection) -> rusqlite::Result<bool> {
    conn.prepare_cached(FIND_TABLE)?.exists([])
}

/// What the writer does with the file of a log that it restarts.
#[derive(Debug, Default)]
pub(crate) struct RestartPolicy {
    /// The version of the schema for which the policy holds.
    schema_version: Option<i64>,
}

impl RestartPolicy {
    /// Sets whether the commit of the open write transaction truncates the log if it restarts it.
    ///
    /// Exact, because the transaction sees every earlier one: if it does not see the table, Litestream has not read anything.
    pub(crate) fn update(&mut self, tx: &Connection) -> rusqlite::Result<()> {
        let version: i64 = tx
            .prepare_cached("PRAGMA schema_version")?
            .query_row([], |row| row.get(0))?;
        if self.schema_version != Some(version) {
            let limit = if is_replicated(tx)? { 0 } else { -1 };
            tx.pragma_update(None, "journal_size_limit", limit)?;
            self.schema_version = Some(version);
        }
        Ok(())
    }
}
