//! Table `amnesia`: the recovery gap, at most one row.

use db::Tx;
use rusqlite::{Connection, OptionalExtension};

use crate::domain::RecoveryGap;

/// Stores a recovery gap, unless one is open.
pub(crate) fn insert_recovery_gap(tx: &Tx, gap: RecoveryGap) -> Result<(), db::Error> {
    tx.prepare_cached("INSERT INTO amnesia (one, since, began_at) VALUES (1, ?1, ?2) ON CONFLICT (one) DO NOTHING")?
        .execute((gap.since, gap.opened_at))?;
    Ok(())
}

/// Returns the open recovery gap.
pub(crate) fn recovery_gap(conn: &Connection) -> Result<Option<RecoveryGap>, db::Error> {
    Ok(conn
        .prepare_cached("SELECT since, began_at FROM amnesia")?
        .query_row([], |row| {
            Ok(RecoveryGap {
                since: row.get(0)?,
                opened_at: row.get(1)?,
            })
        })
        .optional()?)
}

/// Closes the recovery gap.
pub(crate) fn delete_recovery_gap(tx: &Tx) -> Result<(), db::Error> {
    tx.prepare_cached("DELETE FROM amnesia")?.execute([])?;
    Ok(())
}
