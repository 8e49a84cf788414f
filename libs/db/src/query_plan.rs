use rusqlite::Connection;

/// Returns the steps of the plan by which SQLite executes a statement, such as `SEARCH order USING INDEX …`: tests assert that
/// a query uses an index (<https://sqlite.org/eqp.html>). Parameters are not bound: no plan depends on their values.
pub fn query_plan(conn: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    explain.raw_query().mapped(|row| row.get("detail")).collect()
}
