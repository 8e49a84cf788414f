//! Another process that replicates the log (Litestream): it holds a read transaction, and sometimes locks the database
//! for a checkpoint.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use db::Db;
use rusqlite::Connection;

use crate::{BOX_OFFICE, Folder, notes, write_note};

#[tokio::test(flavor = "multi_thread")]
async fn a_write_waits_for_the_lock_of_another_process() {
    let folder = Folder::new();
    let db = folder.open();
    let (locked, is_locked) = mpsc::channel();
    let file = folder.file("box-office.db");
    let held = Duration::from_secs(1);
    let other = std::thread::spawn(move || {
        let other = Connection::open(file).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        locked.send(Instant::now()).unwrap();
        // Nothing is sent: the timeout is the time for which the lock is held.
        let (_never, waits) = mpsc::channel::<()>();
        waits.recv_timeout(held).unwrap_err();
        other.execute_batch("ROLLBACK").unwrap();
    });
    let since = is_locked.recv().unwrap();
    db.write(|tx| write_note(tx, 1)).await.unwrap();
    assert!(since.elapsed() >= held, "the write did not meet the lock");
    other.join().unwrap();
    assert_eq!(notes(&db).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_continue_while_another_process_checkpoints() {
    let folder = Folder::new();
    let db = folder.open();
    let file = folder.file("box-office.db");
    let (stop, stopped) = mpsc::channel::<()>();
    let other = std::thread::spawn(move || {
        let other = Connection::open(file).unwrap();
        let mut checkpoints = 0;
        while stopped.try_recv().is_err() {
            for how in ["RESTART", "TRUNCATE", "PASSIVE"] {
                other
                    .query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |_| Ok(()))
                    .unwrap();
                checkpoints += 1;
            }
        }
        checkpoints
    });
    for id in 1..=300 {
        db.write(move |tx| write_note(tx, id)).await.unwrap();
    }
    stop.send(()).unwrap();
    assert!(other.join().unwrap() > 0);
    assert_eq!(notes(&db).await, (1..=300).collect::<Vec<_>>());
}

/// How long a connection of the library waits for a lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
async fn closing_does_not_wait_for_another_process_that_reads() {
    // On a busy machine one close can take as long as the timeout, because it syncs files.
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        fastest = fastest.min(close_during_a_read().await);
    }
    assert!(fastest < BUSY_TIMEOUT, "took {fastest:?}");
}

/// Closes a database that another process reads. Returns how long that took.
async fn close_during_a_read() -> Duration {
    let folder = Folder::new();
    let db = folder.open();
    db.write(|tx| write_note(tx, 1)).await.unwrap();
    let other = Connection::open(folder.file("box-office.db")).unwrap();
    other.execute_batch("BEGIN; SELECT count(*) FROM note;").unwrap();
    db.write(|tx| write_note(tx, 2)).await.unwrap();

    let began = Instant::now();
    db.close().await;
    let took = began.elapsed();

    drop(other);
    assert_eq!(
        notes(&Db::open(&folder.file("box-office.db"), &BOX_OFFICE).unwrap()).await,
        [1, 2]
    );
    took
}
