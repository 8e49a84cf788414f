//! Lists of values in the constraints of a database that has rows.

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

#[tokio::test]
async fn the_schema_is_replaced_once_and_then_protected() {
    let folder = Folder::new();
    let file = folder.file("box-office.db");
    let schema = || {
        let conn = Connection::open(&file).unwrap();
        conn.query_row(
            "SELECT (SELECT schema_version FROM pragma_schema_version), sql FROM sqlite_schema WHERE name = 'seat'",
            [],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
        )
        .unwrap()
    };
    Db::open(&file, &WITH_STATES).unwrap().close().await;
    let first = schema();
    assert!(
        first
            .1
            .contains("CHECK ((state = 'free' OR state = 'held' OR state = 'sold'))"),
        "{}",
        first.1
    );
    assert!(first.1.contains("is_open = (state IN ('free', 'held'))"), "{}", first.1);

    let db = Db::open(&file, &WITH_STATES).unwrap();
    let refused = db
        .write(|tx| -> Result<_, Error> {
            tx.execute_batch("PRAGMA writable_schema = ON")?;
            Ok(tx.execute("UPDATE sqlite_schema SET sql = sql", [])?)
        })
        .await;
    assert!(refused.unwrap_err().to_string().contains("may not be modified"));
    db.close().await;
    assert_eq!(schema(), first);
}
