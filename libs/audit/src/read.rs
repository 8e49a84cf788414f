use std::time::Duration;

use db::Error;
use rusqlite::{Connection, named_params};
use serde::Serialize;
use values::Timestamp;

use crate::OPERATOR;

/// A row of the log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Record {
    /// When it happened; for refusals, at the end of the minute; of a count, the start of the hour.
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
    /// Who did it, or whose it is; `operator` for all operators.
    pub who: Option<String>,
    /// From where.
    pub network: Option<String>,
    /// The result.
    pub result: Option<String>,
}

/// The rows and the counts, merged by time.
const ROWS: &str = "
    SELECT at, action, actor, subject, network, result, count, id FROM audit
    WHERE at >= :since AND action = coalesce(:action, action)
      AND (:who IS NULL OR actor = :who OR subject = :who OR (:who = :operator AND actor LIKE :operator || ':%'))
      AND (:network IS NULL OR network = :network) AND result = coalesce(:result, result)
    UNION ALL
    SELECT hour, action, nullif(actor, ''), NULL, NULL, result, count, 0 FROM audit_counts
    WHERE hour > :since - :hour AND action = coalesce(:action, action)
      AND (:who IS NULL OR actor = :who OR (:who = :operator AND actor LIKE :operator || ':%'))
      AND :network IS NULL AND result = coalesce(:result, result)
    ORDER BY 1, 8";

const HOUR: Duration = Duration::from_hours(1);

/// Passes the rows that match to `each`, the oldest first.
pub fn read(conn: &Connection, filter: &Filter, mut each: impl FnMut(Record)) -> Result<(), Error> {
    let mut statement = conn.prepare(ROWS)?;
    let hour = i64::try_from(HOUR.as_millis()).unwrap_or(i64::MAX);
    let mut rows = statement.query(named_params! {
        ":since": filter.since.unwrap_or(Timestamp::from_millis(0)),
        ":hour": hour,
        ":action": filter.action,
        ":who": filter.who,
        ":operator": OPERATOR,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_in_their_order_without_sorting_all_of_them() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(crate::SCHEMA_V1).unwrap();
        conn.execute_batch(crate::SCHEMA_V2).unwrap();
        let plan = db::query_plan(&conn, ROWS).unwrap().join("\n");
        assert!(plan.contains("audit_by_time"), "{plan}");
        // The counts of one hour are sorted.
        assert!(
            plan.contains("MERGE") && !plan.contains("TEMP B-TREE FOR ORDER BY"),
            "{plan}"
        );
    }
}
