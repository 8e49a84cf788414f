use std::sync::mpsc;
use std::time::Duration;

use db::{Constraint, Db, Error, Health, Schema};
use telemetry::{Span, SpanKind, current_traceparent};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::{Folder, notes, write_note};

/// A command that writes note `id`, and then blocks the writer until it is released.
fn held_note(
    id: i64,
) -> (
    impl FnOnce(&db::Tx) -> Result<(), Error>,
    oneshot::Receiver<()>,
    mpsc::Sender<()>,
) {
    let (entered, inside) = oneshot::channel();
    let (go_on, released) = mpsc::channel();
    let command = move |tx: &db::Tx| {
        write_note(tx, id)?;
        entered.send(()).unwrap();
        released.recv().unwrap();
        Ok(())
    };
    (command, inside, go_on)
}

async fn note(db: &Db, id: i64) -> Result<(), Error> {
    db.write(move |tx| write_note(tx, id)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_concurrent_writes_all_complete() {
    let folder = Folder::new();
    let db = folder.open();
    let mut writes = JoinSet::new();
    for id in 0..1000 {
        let db = db.clone();
        writes.spawn(async move { note(&db, id).await.unwrap() });
    }
    assert_eq!(writes.join_all().await.len(), 1000);
    db.close().await;
    assert_eq!(notes(&folder.open()).await, (0..1000).collect::<Vec<_>>());
}

#[tokio::test]
async fn queued_writes_share_a_commit_and_complete_after_it() {
    let folder = Folder::new();
    let db = folder.open();
    let (first, in_first, end_first) = held_note(1);
    let (second, in_second, end_second) = held_note(2);
    let answered = std::cell::Cell::new(false);
    let commits = db.commits();
    tokio::join!(
        async {
            db.write(first).await.unwrap();
            answered.set(true);
        },
        async { db.write(second).await.unwrap() },
        async {
            in_first.await.unwrap();
            assert!(notes(&db).await.is_empty(), "a reader sees what is not committed");
            end_first.send(()).unwrap();
            in_second.await.unwrap();
            assert!(notes(&db).await.is_empty(), "a reader sees what is not committed");
            assert!(!answered.get(), "answered before the commit");
            end_second.send(()).unwrap();
        }
    );
    assert_eq!(notes(&db).await, [1, 2]);
    assert_eq!(*commits.borrow(), 1);
}

#[tokio::test]
async fn a_command_that_fails_or_panics_is_undone_alone() {
    let folder = Folder::new();
    let db = folder.open();
    let (gate, inside, open) = held_note(1);
    let commits = db.commits();
    let (gate, before, failing, panicking, after, ()) = tokio::join!(
        db.write(gate),
        note(&db, 2),
        db.write(|tx| {
            write_note(tx, 3)?;
            Err::<(), _>(Error::from(rusqlite::Error::QueryReturnedNoRows))
        }),
        db.write(|tx| -> Result<(), Error> {
            write_note(tx, 4)?;
            panic!("a bug in a command (this message is part of the test)")
        }),
        note(&db, 5),
        async {
            inside.await.unwrap();
            open.send(()).unwrap();
        }
    );
    assert_eq!((gate.is_ok(), before.is_ok(), after.is_ok()), (true, true, true));
    assert!(matches!(failing, Err(Error::Sql(_))), "{failing:?}");
    assert!(matches!(panicking, Err(Error::Panicked)), "{panicking:?}");
    assert_eq!(notes(&db).await, [1, 2, 5]);
    assert_eq!(*commits.borrow(), 1, "they shared one commit");
}

#[tokio::test(flavor = "multi_thread")]
async fn four_hundred_buyers_at_once_hold_exactly_the_hundred_tickets() {
    let folder = Folder::new();
    let db = folder.open();
    let mut buyers = JoinSet::new();
    for _ in 0..400 {
        let db = db.clone();
        buyers.spawn(async move {
            db.write(|tx| -> Result<_, Error> { Ok(tx.execute("UPDATE stock SET held = held + 1", [])?) })
                .await
        });
    }
    let (winners, losers): (Vec<_>, Vec<_>) = buyers.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!(winners.len(), 100);
    for loser in losers {
        assert_eq!(loser.unwrap_err().constraint(), Some(Constraint::Check));
    }
    let held: i64 = db
        .read(|conn| -> Result<_, Error> { Ok(conn.query_row("SELECT held FROM stock", [], |row| row.get(0))?) })
        .await
        .unwrap();
    assert_eq!(held, 100);
}

#[tokio::test]
async fn an_attempt_that_fails_is_undone_and_the_command_goes_on() {
    let folder = Folder::new();
    let db = folder.open();
    let refusal = db
        .write(|tx| -> Result<_, Error> {
            write_note(tx, 1)?;
            let refusal = tx.attempt(|tx| {
                write_note(tx, 2)?;
                tx.attempt(|tx| write_note(tx, 3))??;
                write_note(tx, 1)
            })?;
            tx.attempt(|tx| write_note(tx, 4))??;
            Ok(refusal)
        })
        .await
        .unwrap();
    assert_eq!(refusal.unwrap_err().constraint(), Some(Constraint::Unique));
    assert_eq!(notes(&db).await, [1, 4]);
}

#[tokio::test]
async fn a_failed_commit_fails_every_command_in_it_and_none_after() {
    // Not allowed in our schemas for this very reason: the reference is checked only at the commit.
    const DEFERRED: Schema = Schema {
        service: "deferred",
        migrations: &["CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT,
             reply_to INTEGER REFERENCES note DEFERRABLE INITIALLY DEFERRED)"],
    };
    let folder = Folder::new();
    let db = Db::open(&folder.file("deferred.db"), &DEFERRED).unwrap();
    let (gate, inside, open) = held_note(1);
    let (gate, other, guilty, refused, ()) = tokio::join!(
        db.write(gate),
        note(&db, 2),
        db.write(|tx| -> Result<_, Error> { Ok(tx.execute("INSERT INTO note (id, reply_to) VALUES (3, 99)", [])?) }),
        note(&db, 2),
        async {
            inside.await.unwrap();
            open.send(()).unwrap();
        }
    );
    for answer in [gate, other, guilty.map(drop), refused] {
        assert_eq!(answer.unwrap_err().constraint(), Some(Constraint::ForeignKey));
    }
    assert!(notes(&db).await.is_empty());
    note(&db, 4).await.unwrap();
    assert_eq!(notes(&db).await, [4]);
}

#[tokio::test]
async fn a_transaction_that_ends_within_a_command_fails_all_its_commands() {
    let folder = Folder::new();
    let db = folder.open();
    let (gate, inside, open) = held_note(1);
    let (gate, guilty, after, ()) = tokio::join!(
        db.write(gate),
        // As SQLite does by itself when a statement meets a full disk.
        db.write(|tx| -> Result<_, Error> { Ok(tx.execute_batch("ROLLBACK")?) }),
        note(&db, 3),
        async {
            inside.await.unwrap();
            open.send(()).unwrap();
        }
    );
    assert!(matches!(gate, Err(Error::Unavailable { .. })), "{gate:?}");
    assert!(matches!(guilty, Err(Error::Unavailable { .. })), "{guilty:?}");
    after.unwrap();
    assert_eq!(notes(&db).await, [3]);
}

#[tokio::test]
async fn a_database_that_another_process_locks_is_unavailable_until_it_is_released() {
    let folder = Folder::new();
    let db = folder.open();
    db.write(|tx| -> Result<_, Error> { Ok(tx.busy_timeout(Duration::ZERO)?) })
        .await
        .unwrap();
    let other = rusqlite::Connection::open(folder.file("box-office.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let refused = note(&db, 1).await.unwrap_err();
    assert!(refused.is_transient(), "{refused}");
    assert_eq!(
        *db.health().borrow(),
        Health::Failing {
            reason: "database is locked".to_owned()
        }
    );
    assert!(db.probe().await.is_err());

    other.execute_batch("ROLLBACK").unwrap();
    db.probe().await.unwrap();
    assert_eq!(*db.health().borrow(), Health::Writable);
    note(&db, 2).await.unwrap();
    assert_eq!(notes(&db).await, [2]);
}

#[tokio::test]
async fn a_command_belongs_to_the_trace_of_its_request() {
    let folder = Folder::new();
    let db = folder.open();
    telemetry::install_default();
    let span = Span::entry(
        &tracing::Span::none(),
        SpanKind::Server,
        format_args!("a request"),
        None,
    );
    let request = span.traceparent();
    assert!(request.is_some());
    let seen = |_: &db::Tx| Ok::<_, Error>(current_traceparent());
    assert_eq!(db.write(seen).instrument(span.to_tracing()).await.unwrap(), request);
    assert_eq!(db.write(seen).await.unwrap(), None);
    assert_eq!(
        db.read(|_| Ok::<_, Error>(current_traceparent()))
            .instrument(span.to_tracing())
            .await
            .unwrap(),
        request
    );
}

#[tokio::test]
async fn closing_finishes_queued_commands_and_refuses_later_ones() {
    let folder = Folder::new();
    let db = folder.open();
    let (held, inside, go_on) = held_note(1);
    let (held, waiting, (), ()) = tokio::join!(db.write(held), note(&db, 2), db.close(), async {
        inside.await.unwrap();
        go_on.send(()).unwrap();
    });
    held.unwrap();
    waiting.unwrap();
    assert!(matches!(note(&db, 3).await, Err(Error::Closed)));
    assert!(matches!(db.read(|_| Ok::<_, Error>(())).await, Err(Error::Closed)));
    assert!(!folder.file("box-office.db-wal").exists(), "the log is folded in");
    db.close().await;
    assert_eq!(notes(&folder.open()).await, [1, 2]);
}

#[tokio::test]
async fn a_database_dropped_without_closing_still_finishes_its_commands() {
    let folder = Folder::new();
    let db = folder.open();
    let (held, inside, go_on) = held_note(1);
    let mut commits = db.commits();
    let mut abandoned = JoinSet::new();
    abandoned.spawn(async move { db.write(held).await });
    inside.await.unwrap();
    abandoned.shutdown().await;
    go_on.send(()).unwrap();
    // The writer counts its commit, and then ends.
    while commits.changed().await.is_ok() {}
    assert_eq!(*commits.borrow(), 1);
    assert_eq!(notes(&folder.open()).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_effect_in_memory_is_undone_with_the_effects_of_its_command() {
    let folder = Folder::new();
    let db = folder.open();
    let (undone, effects) = mpsc::channel();
    let register = move |tx: &db::Tx, names: &[&'static str]| {
        for name in names {
            let undone = undone.clone();
            let name = *name;
            tx.on_undo(move || undone.send(name).unwrap());
        }
    };
    let command = {
        let register = register.clone();
        move |tx: &db::Tx| {
            register(tx, &["kept"]);
            let part = tx.attempt(|tx| {
                register(tx, &["part: first", "part: second"]);
                Err::<(), _>(())
            })?;
            assert_eq!(part, Err(()));
            Ok::<_, Error>(())
        }
    };
    db.write(command).await.unwrap();
    assert_eq!(effects.try_iter().collect::<Vec<_>>(), ["part: second", "part: first"]);

    let refused = register.clone();
    let write = db.write(move |tx| {
        refused(tx, &["refused"]);
        Err::<(), _>(Error::Closed)
    });
    assert!(write.await.is_err());
    assert_eq!(effects.try_iter().collect::<Vec<_>>(), ["refused"]);

    let panicking = register.clone();
    let write = db.write(move |tx| -> Result<(), Error> {
        panicking(tx, &["panicked"]);
        panic!("as the test wants")
    });
    assert!(write.await.is_err());
    assert_eq!(effects.try_iter().collect::<Vec<_>>(), ["panicked"]);

    // The command succeeds, and its transaction is lost.
    let write = db.write(move |tx| {
        register(tx, &["lost"]);
        tx.execute_batch("ROLLBACK")?;
        Ok::<_, Error>(())
    });
    assert!(write.await.is_err());
    assert_eq!(effects.try_iter().collect::<Vec<_>>(), ["lost"]);
}

#[tokio::test]
async fn a_command_that_changes_nothing_is_no_commit() {
    let folder = Folder::new();
    let db = folder.open();
    let commits = db.commits();
    note(&db, 1).await.unwrap();
    assert_eq!(*commits.borrow(), 1);
    let none = db.write(|tx| Ok::<_, Error>(tx.execute("DELETE FROM note WHERE id = 2", ())?));
    assert_eq!(none.await.unwrap(), 0);
    assert_eq!(*commits.borrow(), 1);
    note(&db, 2).await.unwrap();
    assert_eq!(*commits.borrow(), 2);
}
