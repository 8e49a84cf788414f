use std::time::Duration;

use db::{Error, NamedParameters, Tx};
use rusqlite::{Connection, named_params};
use values::Timestamp;

use crate::Entry;

/// The number of rows that one transaction deletes.
pub(crate) const PURGE_LIMIT: usize = 1000;

/// The number of rows that an actor can have of one action in an hour, if it can be repeated at will.
const LIMIT_PER_HOUR: u32 = 20;

const HOUR: Duration = Duration::from_hours(1);

/// Finds up to [`LIMIT_PER_HOUR`] rows of an action and actor, by an index.
const RECENT_ROWS: &str =
    "SELECT count(*) FROM (SELECT 1 FROM audit WHERE actor IS ? AND action = ? AND at > ? LIMIT ?)";

/// Appends what happened, in the transaction in which it did: a decision that is limited by what it decides on.
pub fn append(tx: &Tx, now: Timestamp, entry: &Entry) -> Result<(), Error> {
    append_row(tx, now, entry, 1)
}

/// Appends what happened, in the transaction in which it did: an action that a user can repeat at will. Beyond 20 rows in an
/// hour of one actor and action, it is counted.
pub fn append_limited(tx: &Tx, now: Timestamp, entry: &Entry) -> Result<(), Error> {
    let mut statement = tx.prepare_cached(RECENT_ROWS)?;
    let parameters = (&entry.actor, entry.action, now - HOUR, LIMIT_PER_HOUR);
    let recent: u32 = statement.query_row(parameters, |row| row.get(0))?;
    if recent < LIMIT_PER_HOUR {
        append_row(tx, now, entry, 1)
    } else {
        add_to_count(tx, now, entry, 1)
    }
}

/// Writes what was counted: as a row, or if only the actor is known, as a part of the count of its hour.
pub(crate) fn write_refusal(tx: &Tx, now: Timestamp, entry: &Entry, count: u32) -> Result<(), Error> {
    if entry.subject.is_none() && entry.network.is_none() {
        add_to_count(tx, now, entry, count)
    } else {
        append_row(tx, now, entry, count)
    }
}

pub(crate) fn append_row(conn: &Connection, now: Timestamp, entry: &Entry, count: u32) -> Result<(), Error> {
    conn.prepare_cached(
        "INSERT INTO audit (at, action, actor, subject, network, result, count)
         VALUES (:at, :action, :actor, :subject, :network, :result, :count)",
    )?
    .execute_named(named_params! {
        ":at": now,
        ":action": entry.action,
        ":actor": entry.actor,
        ":subject": entry.subject,
        ":network": entry.network,
        ":result": entry.result,
        ":count": count,
    })?;
    Ok(())
}

fn add_to_count(tx: &Tx, now: Timestamp, entry: &Entry, count: u32) -> Result<(), Error> {
    let actor = entry.actor.as_deref().unwrap_or_default();
    let key = named_params! {
        ":now": now,
        ":action": entry.action,
        ":actor": actor,
        ":result": entry.result,
        ":count": count,
    };
    // No upsert: the trigger that refuses to replace a row fires before its conflict is resolved.
    let changed = tx
        .prepare_cached(
            "UPDATE audit_counts SET count = count + :count
             WHERE hour = :now - :now % 3600000 AND action = :action AND actor = :actor AND result = :result",
        )?
        .execute(key)?;
    if changed == 0 {
        tx.prepare_cached(
            "INSERT INTO audit_counts (hour, action, actor, result, count)
             VALUES (:now - :now % 3600000, :action, :actor, :result, :count)",
        )?
        .execute(key)?;
    }
    Ok(())
}

/// Deletes a bounded number of the rows from before `before`. Returns how many.
pub(crate) fn purge(tx: &Tx, before: Timestamp) -> Result<usize, Error> {
    // Most of the time there are none: then nothing is written.
    let expired = "SELECT 1 FROM audit WHERE at < ?1 UNION ALL SELECT 1 FROM audit_counts WHERE hour <= ?2";
    if !tx.prepare_cached(expired)?.exists((before, before - HOUR))? {
        return Ok(0);
    }
    tx.execute("UPDATE audit_retention SET before = ?1 WHERE before < ?1", [before])?;
    let rows = tx
        .prepare_cached("DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? ORDER BY at LIMIT ?)")?
        .execute((before, PURGE_LIMIT))?;
    let counts = tx
        .prepare_cached(
            "DELETE FROM audit_counts WHERE (hour, action, actor, result) IN
             (SELECT hour, action, actor, result FROM audit_counts WHERE hour <= ? ORDER BY hour LIMIT ?)",
        )?
        .execute((before - HOUR, PURGE_LIMIT))?;
    Ok(rows.max(counts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_looked_up_by_an_index() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(crate::SCHEMA_V1).unwrap();
        conn.execute_batch(crate::SCHEMA_V2).unwrap();
        let plan = db::query_plan(&conn, RECENT_ROWS).unwrap().join("\n");
        let search = "SEARCH audit USING COVERING INDEX audit_by_actor (actor=? AND action=? AND at>?)";
        assert!(plan.contains(search), "{plan}");
    }
}
