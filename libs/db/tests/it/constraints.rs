//! Lists of values in the constraints of a database that has rows.

use std::path::Path;

use db::{Db, Error, Schema, admin};
use rusqlite::Connection;

use crate::{BOX_OFFICE, Folder};

const WITH_STATES: Schema = Schema {
    service: "box-office",
    migrations: &[
        BOX_OFFICE.migrations[0],
        BOX_OFFICE.migrations[1],
        "-- additive: the states of seats
         CREATE TABLE seat (
             id INTEGER PRIMARY KEY,
             state TEXT NOT NULL CHECK (state IN ('free', 'held', 'sold')),
             reason TEXT CHECK (reason NOT IN ('', 'none', 'unknown')),
             is_open INTEGER NOT NULL CHECK (is_open = (state IN ('free', 'held')))
         ) STRICT;
         CREATE INDEX seat_taken ON seat (id) WHERE state IN ('held', 'sold');
         INSERT INTO seat VALUES (1, 'free', NULL, 1), (2, 'sold', 'paid', 0);",
    ],
};

#[tokio::test]
async fn a_list_of_a_constraint_is_checked_without_a_temporary_table() {
    let folder = Folder::new();
    let file = folder.file("box-office.db");
    let db = Db::open(&file, &WITH_STATES).unwrap();
    let temporary_tables = db
        .read(|conn| -> Result<_, Error> {
            let mut program = conn.prepare("EXPLAIN UPDATE seat SET state = ?1, reason = ?2, is_open = ?3")?;
            let steps = program.query_map([None::<i64>; 3], |row| row.get(1))?;
            let steps = steps.collect::<Result<Vec<String>, _>>()?;
            Ok(steps.iter().filter(|step| *step == "OpenEphemeral").count())
        })
        .await
        .unwrap();
    assert_eq!(temporary_tables, 0);

    let write = async |state: &'static str, reason: Option<&'static str>, is_open: bool| {
        db.write(move |tx| -> Result<_, Error> {
            let sql = "INSERT INTO seat (state, reason, is_open) VALUES (?1, ?2, ?3)";
            Ok(tx.execute(sql, (state, reason, is_open))?)
        })
        .await
    };
    for (state, reason, is_open) in [
        ("free", None, true),
        ("held", Some("choice"), true),
        ("sold", None, false),
    ] {
        write(state, reason, is_open).await.unwrap();
    }
    for (state, reason, is_open) in [
        ("lost", None, false),
        ("free", Some("none"), true),
        ("sold", None, true),
    ] {
        let error = write(state, reason, is_open).await.unwrap_err();
        assert!(error.to_string().contains("CHECK constraint failed"), "{error}");
    }
    db.close().await;
    assert!(admin::check(&file, &WITH_STATES, &[]).unwrap().is_empty());
}

/// Returns the version of the schema, and the definition of `seat`.
fn schema(file: &Path) -> (i64, String) {
    let conn = Connection::open(file).unwrap();
    conn.query_row(
        "SELECT (SELECT schema_version FROM pragma_schema_version), sql FROM sqlite_schema WHERE name = 'seat'",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
    .unwrap()
}

async fn refuses_to_write_the_schema(db: &Db) -> bool {
    let written = db.write(|tx| -> Result<_, Error> {
        tx.execute_batch("PRAGMA writable_schema = ON")?;
        Ok(tx.execute("UPDATE sqlite_schema SET sql = sql", [])?)
    });
    written
        .await
        .is_err_and(|error| error.to_string().contains("may not be modified"))
}

#[tokio::test]
async fn lists_of_an_existing_database_are_replaced_once() {
    let folder = Folder::new();
    let file = folder.file("box-office.db");
    Db::open(&file, &WITH_STATES).unwrap().close().await;
    let comparisons = schema(&file).1;
    // As a release without this replacement has left it.
    let conn = Connection::open(&file).unwrap();
    let lists = comparisons
        .replace(
            "(state = 'free' OR state = 'held' OR state = 'sold')",
            "state IN ('free', 'held', 'sold')",
        )
        .replace(
            "(NOT (reason = '' OR reason = 'none' OR reason = 'unknown'))",
            "reason NOT IN ('', 'none', 'unknown')",
        );
    conn.execute_batch("PRAGMA writable_schema = ON").unwrap();
    conn.execute("UPDATE sqlite_schema SET sql = ?1 WHERE name = 'seat'", [&lists])
        .unwrap();
    drop(conn);
    let (version, sql) = schema(&file);
    assert!(sql.contains("CHECK (state IN ('free', 'held', 'sold'))"), "{sql}");
    assert!(sql.contains("CHECK (reason NOT IN ('', 'none', 'unknown'))"), "{sql}");

    for _ in 0..2 {
        let db = Db::open(&file, &WITH_STATES).unwrap();
        assert_eq!(schema(&file), (version + 1, comparisons.clone()));
        assert!(refuses_to_write_the_schema(&db).await);
        let seats = db.read(|conn| -> Result<i64, Error> {
            Ok(conn.query_row("SELECT count(*) FROM seat", [], |row| row.get(0))?)
        });
        assert_eq!(seats.await.unwrap(), 2);
        db.close().await;
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_replaced_is_kept() {
    let folder = Folder::new();
    let file = folder.file("box-office.db");
    // More comparisons than SQLite allows in one expression.
    let states: Vec<_> = (0..1100).map(|number| format!("'{number}'")).collect();
    let table = format!(
        "CREATE TABLE seat (state TEXT NOT NULL CHECK (state IN ({})))",
        states.join(", ")
    );
    let db = Db::open(&file, &BOX_OFFICE).unwrap();
    db.write({
        let table = table.clone();
        move |tx| -> Result<_, Error> { Ok(tx.execute_batch(&table)?) }
    })
    .await
    .unwrap();
    db.close().await;

    let db = Db::open(&file, &BOX_OFFICE).unwrap();
    let write = async |state: &'static str| {
        db.write(move |tx| -> Result<_, Error> { Ok(tx.execute("INSERT INTO seat VALUES (?1)", [state])?) })
            .await
    };
    write("1099").await.unwrap();
    write("1100").await.unwrap_err();
    assert!(refuses_to_write_the_schema(&db).await);
    db.close().await;
    assert_eq!(schema(&file).1, table);
}
