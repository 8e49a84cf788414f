//! What a database that was put back from a backup has forgotten.

use db::Tx;
use rusqlite::{Connection, OptionalExtension};
use values::Timestamp;

use super::{Payment, read_payment};

/// What may be forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Amnesia {
    /// Since when payments may have begun that are not here.
    pub(crate) since: Timestamp,
    /// Since when they are looked for.
    pub(crate) began_at: Timestamp,
}

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

/// When the newest payment was begun.
pub(crate) fn newest(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    let mut newest = conn.prepare_cached("SELECT max(created_at) FROM payment")?;
    Ok(newest.query_row([], |row| row.get(0))?)
}

/// Payments that were begun since a moment, after `after`, in the order of their ids.
pub(crate) fn began_since(
    conn: &Connection,
    since: Timestamp,
    after: &str,
    limit: u32,
) -> Result<Vec<Payment>, db::Error> {
    let mut found =
        conn.prepare_cached("SELECT * FROM payment WHERE created_at >= ?1 AND id > ?2 ORDER BY id LIMIT ?3")?;
    let payments = found.query_map((since, after, limit), read_payment)?;
    Ok(payments.collect::<Result<_, _>>()?)
}
