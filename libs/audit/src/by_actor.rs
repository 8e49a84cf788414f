use db::Error;
use rusqlite::{Connection, named_params};
use serde::{Deserialize, Serialize};
use values::Timestamp;

use crate::Record;

/// The position of a row among those of one actor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ActorPosition {
    action: String,
    at: Timestamp,
    id: i64,
}

const ROWS: &str = "SELECT id, at, action, actor, subject, network, result, count FROM audit
     WHERE actor = :actor AND (action, at, id) > (:action, :at, :id) ORDER BY action, at, id LIMIT :limit";

/// Returns the rows of an actor after a position, sorted by action and time: at most `limit`. What was only counted is left out.
pub fn records_of_actor(
    conn: &Connection,
    actor: &str,
    after: Option<&ActorPosition>,
    limit: u32,
) -> Result<Vec<(ActorPosition, Record)>, Error> {
    let mut statement = conn.prepare_cached(ROWS)?;
    let rows = statement.query_map(
        named_params! {
            ":actor": actor,
            ":action": after.map_or("", |after| &after.action),
            ":at": after.map_or(Timestamp::from_millis(0), |after| after.at),
            ":id": after.map_or(0, |after| after.id),
            ":limit": limit,
        },
        |row| {
            let record = Record {
                at: row.get(1)?,
                action: row.get(2)?,
                actor: row.get(3)?,
                subject: row.get(4)?,
                network: row.get(5)?,
                result: row.get(6)?,
                count: row.get(7)?,
            };
            let position = ActorPosition {
                action: record.action.clone(),
                at: record.at,
                id: row.get(0)?,
            };
            Ok((position, record))
        },
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(crate::SCHEMA_V1).unwrap();
        conn.execute_batch(crate::SCHEMA_V2).unwrap();
        conn
    }

    #[test]
    fn the_rows_of_an_actor_are_found_by_index_and_not_sorted() {
        let plan = db::query_plan(&log(), ROWS).unwrap();
        assert_eq!(plan.len(), 1, "{plan:#?}");
        assert!(plan[0].contains("audit_by_actor (actor=?"), "{plan:#?}");
    }

    #[test]
    fn pages_have_each_row_of_the_actor_once_and_no_row_of_others() {
        let conn = log();
        for (at, action, actor) in [
            (2, "b", "ada"),
            (1, "b", "ada"),
            (1, "b", "ada"),
            (3, "a", "ada"),
            (1, "a", "bob"),
        ] {
            conn.execute(
                "INSERT INTO audit (at, action, actor, result, count) VALUES (?, ?, ?, 'ok', 1)",
                (at, action, actor),
            )
            .unwrap();
        }
        let mut after = None;
        let mut found = Vec::new();
        loop {
            let page = records_of_actor(&conn, "ada", after.as_ref(), 1).unwrap();
            let Some((position, record)) = page.into_iter().next() else {
                break;
            };
            found.push((record.action, record.at.millis()));
            after = Some(position);
        }
        let expected = [("a", 3), ("b", 1), ("b", 1), ("b", 2)].map(|(action, at)| (action.to_owned(), at));
        assert_eq!(found, expected);
    }
}
