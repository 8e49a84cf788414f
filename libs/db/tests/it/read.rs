use std::sync::mpsc;
use std::time::Duration;

use db::{Db, Error, Schema};
use rusqlite::{Connection, OptionalExtension, StatementStatus};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::{Folder, notes, write_note};

fn note_seven(conn: &Connection) -> Result<Option<i64>, Error> {
    Ok(conn
        .query_row("SELECT id FROM note WHERE id = 7", [], |row| row.get(0))
        .optional()?)
}

fn count(conn: &Connection) -> Result<i64, Error> {
    Ok(conn.query_row("SELECT count(*) FROM note", [], |row| row.get(0))?)
}

#[tokio::test]
async fn a_query_sees_one_state_however_many_statements_it_runs() {
    let folder = Folder::new();
    let db = folder.open();
    let (entered, inside) = oneshot::channel();
    let (go_on, released) = mpsc::channel();
    let (counts, ()) = tokio::join!(
        db.read(move |conn| {
            let before = count(conn)?;
            entered.send(()).unwrap();
            released.recv().unwrap();
            Ok::<_, Error>((before, count(conn)?))
        }),
        async {
            inside.await.unwrap();
            db.write(|tx| write_note(tx, 1)).await.unwrap();
            go_on.send(()).unwrap();
        }
    );
    assert_eq!(counts.unwrap(), (0, 0));
    assert_eq!(notes(&db).await, [1]);
}

#[tokio::test]
async fn a_statement_stays_compiled_whatever_limit_it_is_run_with() {
    let folder = Folder::new();
    let db = folder.open();
    let recompiled = |conn: &Connection| -> Result<i32, Error> {
        let mut statement = conn.prepare("SELECT id FROM note ORDER BY id LIMIT ?1")?;
        for limit in 1..10 {
            drop(
                statement
                    .query_map([limit], |row| row.get::<_, i64>(0))?
                    .collect::<Vec<_>>(),
            );
        }
        Ok(statement.get_status(StatementStatus::RePrepare))
    };
    assert_eq!(db.read(recompiled).await.unwrap(), 0);
    assert_eq!(db.write(move |tx| recompiled(tx)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_query_cannot_write() {
    let folder = Folder::new();
    let db = folder.open();
    assert!(db.read(|conn| write_note(conn, 1)).await.is_err());
    assert!(notes(&db).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_that_panic_do_not_use_up_the_connections() {
    let folder = Folder::new();
    let db = folder.open();
    let mut queries = JoinSet::new();
    for _ in 0..20 {
        let db = db.clone();
        queries.spawn(async move {
            db.read(|_| -> Result<(), Error> { panic!("a mistake in a query (this message is part of the test)") })
                .await
        });
    }
    for outcome in queries.join_all().await {
        assert!(matches!(outcome, Err(Error::Panicked)));
    }
    assert!(notes(&db).await.is_empty());
}

/// Counts for longer than any test waits.
const ENDLESS: &str =
    "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number) SELECT count(*) FROM number";

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_runs_too_long_is_interrupted_and_its_connection_is_used_again() {
    let folder = Folder::new();
    let db = folder.open();
    db.write(|tx| write_note(tx, 1)).await.unwrap();
    let mut queries = JoinSet::new();
    for _ in 0..4 {
        let db = db.clone();
        queries.spawn(async move {
            db.read(|conn| Ok::<i64, Error>(conn.query_row(ENDLESS, [], |row| row.get(0))?))
                .await
        });
    }
    for outcome in queries.join_all().await {
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::TimedOut) && error.is_transient(), "{error}");
    }
    assert_eq!(notes(&db).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_use_all_connections_delay_neither_the_service_itself_nor_the_writer() {
    let folder = Folder::new();
    let db = folder.open();
    let (entered, mut inside) = tokio::sync::mpsc::channel(4);
    let mut queries = JoinSet::new();
    let mut release = Vec::new();
    for _ in 0..4 {
        let (db, entered) = (db.clone(), entered.clone());
        let (go_on, released) = mpsc::channel::<()>();
        release.push(go_on);
        queries.spawn(async move {
            db.read(move |conn| {
                let before = count(conn)?;
                entered.blocking_send(()).unwrap();
                // Ends when the sender is dropped.
                let _ = released.recv();
                Ok::<_, Error>(before)
            })
            .await
        });
    }
    for _ in 0..4 {
        inside.recv().await.unwrap();
    }
    db.write(|tx| write_note(tx, 1)).await.unwrap();
    assert_eq!(db.read_internal(count).await.unwrap(), 1);
    let refused = db.read(count).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Unavailable { reason } if reason.contains("busy")),
        "{refused}"
    );
    drop(release);
    for outcome in queries.join_all().await {
        assert_eq!(outcome.unwrap(), 0);
    }
    assert_eq!(db.read(count).await.unwrap(), 1);
}

#[tokio::test]
async fn waiting_ends_as_soon_as_the_row_is_committed() {
    let folder = Folder::new();
    let db = folder.open();
    let (found, ()) = tokio::join!(db.wait_for(Duration::from_mins(1), note_seven), async {
        for id in 0..10 {
            db.write(move |tx| write_note(tx, id)).await.unwrap();
        }
    });
    assert_eq!(found.unwrap(), Some(7));
    assert_eq!(
        db.wait_for(Duration::ZERO, note_seven).await.unwrap(),
        Some(7),
        "there already"
    );
}

#[tokio::test]
async fn waiting_ends_at_the_timeout_or_when_the_database_closes() {
    let folder = Folder::new();
    let db = folder.open();
    assert_eq!(db.wait_for(Duration::from_millis(20), note_seven).await.unwrap(), None);
    let (outcome, ()) = tokio::join!(db.wait_for(Duration::from_mins(1), note_seven), db.close());
    assert!(matches!(outcome, Err(Error::Closed)));
}

#[tokio::test]
async fn full_text_search_works_with_a_distrusted_schema() {
    const LIBRARY: Schema = Schema {
        service: "library",
        migrations: &["CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT NOT NULL) STRICT;
             CREATE VIRTUAL TABLE book_words USING fts5 (title, content='book', content_rowid='id');
             CREATE TRIGGER book_added AFTER INSERT ON book BEGIN
                 INSERT INTO book_words (rowid, title) VALUES (new.id, new.title);
             END;"],
    };
    let folder = Folder::new();
    let db = Db::open(&folder.file("library.db"), &LIBRARY).unwrap();
    db.write(|tx| -> Result<_, Error> {
        Ok(tx.execute(
            "INSERT INTO book VALUES (1, 'The Dispossessed'), (2, 'The Word for World is Forest')",
            [],
        )?)
    })
    .await
    .unwrap();
    let found: i64 = db
        .read(|conn| -> Result<_, Error> {
            Ok(conn.query_row(
                "SELECT rowid FROM book_words WHERE book_words MATCH 'forest'",
                [],
                |row| row.get(0),
            )?)
        })
        .await
        .unwrap();
    assert_eq!(found, 2);
}
