//! What a database that was put back from a backup has forgotten.

use db::Tx;
use rusqlite::{Connection, OptionalExtension};

use crate::domain::Amnesia;

/// Remembers that something is forgotten, if that is not remembered already.
pub(crate) fn keep_amnesia(tx: &Tx, amnesia: Amnesia) -> Result<(), db::Error> {
    tx.prepare_cached("INSERT INTO amnesia (one, since, began_at) VALUES (1, ?1, ?2) ON CONFLICT (one) DO NOTHING")?
        .execute((amnesia.since, amnesia.began_at))?;
    Ok(())
}

/// What may be forgotten, if anything.
pub(crate) fn amnesia(conn: &Connection) -> Result<Option<Amnesia>, db::Error> {
    Ok(conn
        .prepare_cached("SELECT since, began_at FROM amnesia")?
        .query_row([], |row| {
            Ok(Amnesia {
                since: row.get(0)?,
                began_at: row.get(1)?,
            })
        })
        .optional()?)
}

/// All is remembered.
pub(crate) fn forget_amnesia(tx: &Tx) -> Result<(), db::Error> {
    tx.prepare_cached("DELETE FROM amnesia")?.execute([])?;
    Ok(())
}
