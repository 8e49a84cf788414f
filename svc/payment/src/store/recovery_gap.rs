//! Table `amnesia`: the recovery gap, at most one row.

use db::Tx;
use rusqlite::{Connection, OptionalExtension};

use crate::domain::RecoveryGap;

/// Stores a recovery gap; an open one keeps its period. In both cases a check of all captured funds that can still be
/// disputed is to be scheduled, from the first of them on.
pub(crate) fn insert_recovery_gap(tx: &Tx, gap: RecoveryGap) -> Result<(), db::Error> {
    tx.prepare_cached(
        "INSERT INTO amnesia (one, since, began_at, checks_after) VALUES (1, ?1, ?2, ?3)
         ON CONFLICT (one) DO UPDATE SET checks_after = excluded.checks_after",
    )?
    .execute((gap.since, gap.opened_at, super::before_disputable(gap.opened_at)))?;
    Ok(())
}

/// Returns the position after which captured funds are to be scheduled for a check; `None` if all of them are.
pub(crate) fn checks_after(conn: &Connection) -> Result<Option<String>, db::Error> {
    let mut after = conn.prepare_cached("SELECT checks_after FROM amnesia WHERE checks_after IS NOT NULL")?;
    Ok(after.query_row([], |row| row.get(0)).optional()?)
}

/// Records the captured funds that were scheduled for a check; `None` means all of them.
pub(crate) fn set_checks_after(tx: &Tx, after: Option<&str>) -> Result<(), db::Error> {
    tx.prepare_cached("UPDATE amnesia SET checks_after = ?")?
        .execute([after])?;
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
