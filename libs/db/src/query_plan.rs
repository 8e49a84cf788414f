//! How SQLite executes a statement: for tests, which assert that statements use indexes.

use std::collections::{BTreeSet, HashMap};

use rusqlite::Connection;

/// Returns the steps of the plan by which SQLite executes a statement, such as `SEARCH order USING INDEX …`: tests assert that
/// a query uses an index (<https://sqlite.org/eqp.html>). Parameters are not bound: no plan depends on their values.
pub fn query_plan(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    explain.raw_query().mapped(|row| row.get("detail")).collect()
}

/// Returns the tables and indexes that a statement reads from one of their ends, instead of searching them by a key; those of
/// the triggers that it fires as well.
///
/// Such a read may end soon, because of a `LIMIT`; the plan does not show it. An index has the name of its table before it:
/// `order.order_open_by_ticket`. Names are those of the schema, whatever aliases the statement has
/// (<https://sqlite.org/opcode.html>).
pub fn scans(conn: &Connection, sql: &str) -> rusqlite::Result<BTreeSet<String>> {
    let mut names = conn.prepare(
        "SELECT rootpage, iif(type = 'index', format('%s.%s', tbl_name, name), name) FROM sqlite_schema WHERE rootpage > 0
         UNION ALL SELECT 1, 'sqlite_schema'",
    )?;
    let names: HashMap<i64, String> = names
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut explain = conn.prepare(&format!("EXPLAIN {sql}"))?;
    let mut program = explain.raw_query();
    let mut open: HashMap<i64, &String> = HashMap::new();
    let mut found = BTreeSet::new();
    while let Some(instruction) = program.next()? {
        let (opcode, cursor, operand): (String, i64, i64) = (
            instruction.get("opcode")?,
            instruction.get("p1")?,
            instruction.get("p2")?,
        );
        match opcode.as_str() {
            "OpenRead" | "OpenWrite" | "ReopenIdx" => {
                // The third operand is the database: 1 for temporary tables.
                let is_main = instruction.get::<_, i64>("p3")? == 0;
                match names.get(&operand).filter(|_| is_main) {
                    Some(name) => open.insert(cursor, name),
                    None => open.remove(&cursor),
                };
            }
            "OpenEphemeral" | "OpenAutoindex" | "OpenPseudo" | "SorterOpen" | "VOpen" => {
                open.remove(&cursor);
            }
            "Rewind" | "Last" => found.extend(open.get(&cursor).map(|name| (*name).clone())),
            _ => {}
        }
    }
    Ok(found)
}
