use db::Tx;
use rusqlite::{Connection, OptionalExtension};
use values::Timestamp;

/// Records that the database was created or restored, at this time. Keeps the time of a database that was neither.
pub(crate) fn begin(tx: &Tx, now: Timestamp, is_restored: bool) -> Result<(), db::Error> {
    tx.prepare_cached(
        "INSERT INTO consumption (only_row, newest_at, began_at) VALUES (1, 0, ?1)
         ON CONFLICT (only_row) DO UPDATE SET began_at = excluded.began_at WHERE ?2",
    )?
    .execute((now, is_restored))?;
    Ok(())
}

/// Returns when the database was created or restored.
pub(crate) fn began_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    let mut statement = conn.prepare_cached("SELECT began_at FROM consumption")?;
    Ok(statement.query_row([], |row| row.get(0)).optional()?)
}

/// Records the time of a consumed event.
pub(crate) fn record_consumption(tx: &Tx, time: Timestamp) -> Result<(), db::Error> {
    tx.prepare_cached("UPDATE consumption SET newest_at = ?1 WHERE newest_at < ?1")?
        .execute([time])?;
    Ok(())
}

/// Returns the time of the newest consumed event.
pub(crate) fn newest_event_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    let mut statement = conn.prepare_cached("SELECT newest_at FROM consumption WHERE newest_at > 0")?;
    Ok(statement.query_row([], |row| row.get(0)).optional()?)
}
