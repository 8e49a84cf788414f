use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use db::{Db, Error};
use rusqlite::{Connection, OptionalExtension};
use tokio::task::JoinSet;

use crate::{Folder, write_note};

/// Longer than any test waits.
const TIMEOUT: Duration = Duration::from_mins(1);

fn exists(conn: &Connection, id: i64) -> Result<bool, Error> {
    let found = conn
        .query_row("SELECT 1 FROM note WHERE id = ?", [id], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

async fn wait_for_note(db: &Db, client: &str, id: i64) -> Result<bool, Error> {
    db.wait_for_row(&client, &id, TIMEOUT, move |conn| exists(conn, id))
        .await
}

async fn announce_note(db: &Db, id: i64) {
    db.write(move |tx| {
        write_note(tx, id)?;
        tx.announce_row(&id);
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_waiting_caller_reads_once_whatever_is_committed_and_continues_when_its_row_is() {
    let folder = Folder::new();
    let db = folder.open();
    let reads = Arc::new(AtomicUsize::new(0));
    let waiting = {
        let reads = Arc::clone(&reads);
        db.wait_for_row(&"buyer", &7, TIMEOUT, move |conn| {
            reads.fetch_add(1, Ordering::SeqCst);
            exists(conn, 7)
        })
    };
    let (found, ()) = tokio::join!(waiting, async {
        for id in 0..20 {
            announce_note(&db, id).await;
        }
    });
    assert!(found.unwrap());
    assert_eq!(reads.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_row_that_exists_is_not_waited_for() {
    let folder = Folder::new();
    let db = folder.open();
    announce_note(&db, 7).await;
    assert!(wait_for_note(&db, "buyer", 7).await.unwrap());
}

#[tokio::test]
async fn a_row_that_was_announced_lately_is_known_without_a_read() {
    let folder = Folder::new();
    let db = folder.open();
    assert!(!db.was_announced(&7));
    announce_note(&db, 7).await;
    assert!(db.was_announced(&7));
    assert!(!db.was_announced(&8));
}

#[tokio::test]
async fn a_row_whose_command_is_undone_wakes_nobody() {
    let folder = Folder::new();
    let db = folder.open();
    let wait = db.wait_for_row(&"buyer", &7, Duration::from_millis(200), |conn| exists(conn, 7));
    let (found, ()) = tokio::join!(wait, async {
        let undone = db.write(|tx| {
            tx.announce_row(&7);
            Err::<(), _>(Error::Panicked)
        });
        assert!(undone.await.is_err());
        let part = db.write(|tx| {
            let undone = tx.attempt(|tx| {
                tx.announce_row(&7);
                Err::<(), _>(Error::Panicked)
            });
            assert!(undone?.is_err());
            write_note(tx, 8)
        });
        part.await.unwrap();
    });
    assert!(!found.unwrap());
    assert!(!db.was_announced(&7));
}

#[tokio::test]
async fn waiting_ends_when_the_database_closes() {
    let folder = Folder::new();
    let db = folder.open();
    let (outcome, ()) = tokio::join!(wait_for_note(&db, "buyer", 7), db.close());
    assert!(matches!(outcome, Err(Error::Closed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_client_takes_the_places_of_others_and_a_caller_without_a_place_does_not_wait() {
    let folder = Folder::new();
    let db = folder.open();
    let mut waiting = JoinSet::new();
    for id in 0..100 {
        let db = db.clone();
        waiting.spawn(async move { wait_for_note(&db, "attacker", 1000 + id).await });
    }
    // Those beyond the bound of a client return at once; the others wait for a row that nobody writes.
    let mut refused = 0;
    while refused < 84 {
        assert!(!waiting.join_next().await.unwrap().unwrap().unwrap());
        refused += 1;
    }
    let (found, ()) = tokio::join!(wait_for_note(&db, "buyer", 7), announce_note(&db, 7));
    assert!(found.unwrap());
    // The places are free again when their callers give up, for example because their client has disconnected.
    waiting.shutdown().await;
    let (found, ()) = tokio::join!(wait_for_note(&db, "attacker", 8), announce_note(&db, 8));
    assert!(found.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_all_waiting_callers_is_bounded() {
    let folder = Folder::new();
    let db = folder.open();
    let mut waiting = JoinSet::new();
    for id in 0..1000 {
        let db = db.clone();
        waiting.spawn(async move { wait_for_note(&db, &format!("client {id}"), 1000 + id).await });
    }
    for _ in 512..1000 {
        assert!(!waiting.join_next().await.unwrap().unwrap().unwrap());
    }
    waiting.shutdown().await;
}
