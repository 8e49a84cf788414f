//! The constraints of every table are checked without a temporary table.

use chassis::Service;
use rusqlite::Connection;

use crate::empty_database;

fn texts(conn: &Connection, sql: &str, column: usize) -> Vec<String> {
    let mut statement = conn.prepare(sql).unwrap();
    let rows = statement.raw_query().mapped(|row| row.get(column));
    rows.collect::<Result<_, _>>().unwrap()
}

/// Returns the tables of which a new row needs a temporary table, without the conditions of indexes and triggers.
fn with_temporary_tables(conn: &Connection) -> Vec<String> {
    let drops = "SELECT format('DROP %s \"%w\"', type, name) FROM sqlite_schema
                 WHERE type IN ('index', 'trigger') AND sql IS NOT NULL";
    conn.execute_batch(&texts(conn, drops, 0).join(";")).unwrap();
    let tables = texts(
        conn,
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite%'",
        0,
    );
    assert!(!tables.is_empty());
    let needs_one = |table: &String| {
        let program = texts(conn, &format!("EXPLAIN INSERT INTO \"{table}\" DEFAULT VALUES"), 1);
        program.contains(&"OpenEphemeral".to_owned())
    };
    tables.into_iter().filter(needs_one).collect()
}

fn assert_none<S: Service>() {
    let (_folder, conn) = empty_database::<S>();
    let found = with_temporary_tables(&conn);
    assert!(
        found.is_empty(),
        "{}: {found:?}: write a list of more than two values as texts, its column directly after `(` or `OR`",
        S::NAME
    );
}

#[test]
fn no_constraint_needs_a_temporary_table() {
    assert_none::<auth::Auth>();
    assert_none::<ticket::Ticket>();
    assert_none::<order::Orders>();
    assert_none::<expiration::Expiration>();
    assert_none::<payment::Payments>();
    assert_none::<notification::Notification>();
}

#[test]
fn a_list_in_a_constraint_is_found() {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch(
        "CREATE TABLE a (x TEXT CHECK (x IN ('1', '2')));
         CREATE TABLE b (x TEXT CHECK (x IN ('1', '2', '3')));
         CREATE TABLE c (x TEXT); CREATE INDEX c_by_x ON c (x) WHERE x IN ('1', '2', '3');",
    )
    .unwrap();
    assert_eq!(with_temporary_tables(&conn), ["b"]);
}
