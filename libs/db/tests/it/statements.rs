//! The plans of the statements that a process has executed.

use db::{BoundedRead, Db, Schema};

const SCHEMA: Schema = Schema {
    service: "plans",
    migrations: &[
        "CREATE TABLE note (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
         CREATE INDEX note_by_owner ON note (owner, at);
         CREATE TABLE total (owner TEXT NOT NULL, notes INTEGER NOT NULL) STRICT;
         CREATE TRIGGER note_counted AFTER INSERT ON note
         BEGIN UPDATE total SET notes = notes + 1 WHERE owner = NEW.owner; END;",
    ],
};

const BY_OWNER: &str = "SELECT at FROM note WHERE owner = ?1 ORDER BY at";
const SORTED: &str = "SELECT id FROM note
                      WHERE owner = ?1 ORDER BY id";
const SCANNED: &str = "SELECT owner FROM note WHERE at > ?1";
const LATEST: &str = "SELECT max(id) FROM note";
const INSERTED: &str = "INSERT INTO note (owner, at) VALUES (?1, ?2)";

#[tokio::test(flavor = "multi_thread")]
async fn scans_and_sorts_are_found_in_what_was_executed_unless_a_reason_bounds_them() {
    db::record_statements();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plans.db");
    let db = Db::open(&path, &SCHEMA).unwrap();
    db.write(|tx| {
        tx.execute(INSERTED, ("me", 1))?;
        Ok::<_, db::Error>(())
    })
    .await
    .unwrap();
    db.read(|conn| {
        for sql in [BY_OWNER, SORTED, SCANNED] {
            let mut found = conn.prepare(sql)?;
            let _ = found.query([&1])?.next()?;
        }
        Ok::<_, db::Error>(conn.query_row(LATEST, [], |_| Ok(()))?)
    })
    .await
    .unwrap();
    let recorded = db::recorded_statements();
    for sql in [BY_OWNER, SORTED, SCANNED, LATEST, INSERTED] {
        assert!(recorded.contains(sql), "{sql}");
    }
    let ours = [BY_OWNER, SORTED, SCANNED, LATEST, INSERTED].map(str::to_owned).into();
    let found = |bounded: &[BoundedRead]| {
        let found = db::unbounded_reads(&path, &ours, bounded).unwrap();
        found
            .into_iter()
            .map(|read| {
                (
                    read.statement,
                    read.scans.into_iter().collect::<Vec<_>>().join(" "),
                    read.sorts,
                )
            })
            .collect::<Vec<_>>()
    };
    let one_line = "SELECT id FROM note WHERE owner = ?1 ORDER BY id";
    let row = |sql: &str, scans: &str, sorts| (sql.to_owned(), scans.to_owned(), sorts);
    assert_eq!(
        found(&[]),
        [
            // That of its trigger.
            row(INSERTED, "total", false),
            row(one_line, "", true),
            row(SCANNED, "note", false),
        ]
    );
    assert_eq!(
        found(&[
            BoundedRead::of_table("total", "a row for each owner"),
            BoundedRead::sorted("FROM note WHERE owner = ?1", "an owner has few notes"),
            BoundedRead::in_statement("owner = ?1", "note", "of another statement"),
        ]),
        [row(SCANNED, "note", false)]
    );
}

const INDEXED: Schema = Schema {
    service: "index",
    migrations: &["CREATE VIRTUAL TABLE words USING fts5 (text);
         CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, instance);"],
};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_text_index_that_is_read_without_a_constraint_is_a_scan() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.db");
    Db::open(&path, &INDEXED).unwrap().close().await;
    let bound = [
        "SELECT rowid FROM words WHERE words MATCH ?1",
        "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid < ?2 ORDER BY rowid DESC",
        "SELECT text FROM words WHERE rowid = ?1",
        "SELECT term FROM vocabulary WHERE term >= ?1 ORDER BY term LIMIT 1",
        "SELECT value FROM json_each(?1)",
    ];
    let whole = [
        "SELECT rowid FROM words ORDER BY rowid DESC",
        "SELECT term FROM vocabulary",
    ];
    let statements = bound.iter().chain(&whole).map(|sql| (*sql).to_owned()).collect();
    let found = db::unbounded_reads(&path, &statements, &[]).unwrap();
    let found: Vec<_> = found.into_iter().map(|read| read.statement).collect();
    assert_eq!(found, whole);
}
