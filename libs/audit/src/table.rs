use db::{Error, Tx};
use rusqlite::{Connection, named_params};
use serde::Serialize;
use values::Timestamp;

use crate::Entry;

/// The number of rows that one transaction deletes.
const PURGE_LIMIT: u32 = 1000;

/// A row of the log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Record {
    /// When it happened; for refusals, at the end of the minute.
    pub at: Timestamp,
    /// The action.
    pub action: String,
    /// Who.
    pub actor: Option<String>,
    /// Whose, or which.
    pub subject: Option<String>,
    /// From where.
    pub network: Option<String>,
    /// `ok`, or why not.
    pub result: String,
    /// How often.
    pub count: u32,
}

impl Record {
    /// Returns the row as a line of JSON.
    pub fn to_json(&self) -> String {
        // A struct of texts and numbers always has a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Which rows to read; `None` means all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The earliest time.
    pub since: Option<Timestamp>,
    /// The action.
    pub action: Option<String>,
    /// Who did it, or whose it is.
    pub who: Option<String>,
    /// From where.
    pub network: Option<String>,
    /// The result.
    pub result: Option<String>,
}

/// Appends what happened, in the transaction in which it did.
pub fn append(tx: &Tx, now: Timestamp, entry: &Entry) -> Result<(), Error> {
    append_count(tx, now, entry, 1)
}

pub(crate) fn append_count(tx: &Tx, now: Timestamp, entry: &Entry, count: u32) -> Result<(), Error> {
    tx.prepare_cached(
        "INSERT INTO audit (at, action, actor, subject, network, result, count)
         VALUES (:at, :action, :actor, :subject, :network, :result, :count)",
    )?
    .execute(named_params! {
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

/// Passes the rows that match to `each`, the oldest first.
pub fn read(conn: &Connection, filter: &Filter, mut each: impl FnMut(Record)) -> Result<(), Error> {
    let mut statement = conn.prepare(
        "SELECT at, action, actor, subject, network, result, count FROM audit
         WHERE at >= coalesce(:since, 0) AND action = coalesce(:action, action)
           AND (:who IS NULL OR actor = :who OR subject = :who)
           AND (:network IS NULL OR network = :network) AND result = coalesce(:result, result)
         ORDER BY id",
    )?;
    let mut rows = statement.query(named_params! {
        ":since": filter.since,
        ":action": filter.action,
        ":who": filter.who,
        ":network": filter.network,
        ":result": filter.result,
    })?;
    while let Some(row) = rows.next()? {
        each(Record {
            at: row.get(0)?,
            action: row.get(1)?,
            actor: row.get(2)?,
            subject: row.get(3)?,
            network: row.get(4)?,
            result: row.get(5)?,
            count: row.get(6)?,
        });
    }
    Ok(())
}

/// Deletes a bounded number of the rows from before `before`.
pub(crate) fn purge(tx: &Tx, before: Timestamp) -> Result<(), Error> {
    tx.execute("UPDATE audit_retention SET before = max(before, ?)", [before])?;
    tx.prepare_cached("DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ? ORDER BY at LIMIT ?)")?
        .execute((before, PURGE_LIMIT))?;
    Ok(())
}
