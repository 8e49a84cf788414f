//! The mark of a restored database.

use std::path::Path;

use db::{Db, Error, admin, restored};
use rusqlite::Connection;

use crate::{BOX_OFFICE, Folder};

async fn is_marked(file: &Path) -> bool {
    let db = Db::open(file, &BOX_OFFICE).unwrap();
    let marked = db.read(restored::is_marked).await.unwrap();
    db.close().await;
    marked
}

#[tokio::test]
async fn a_restored_database_is_marked_until_the_mark_is_cleared() {
    let folder = Folder::new();
    let (file, copy) = (folder.file("a.db"), folder.file("copy.db"));
    admin::migrate(&file, &BOX_OFFICE).unwrap();
    assert!(!is_marked(&file).await, "a new one is not");
    admin::backup(&file, &copy).unwrap();
    admin::restore(&copy, &file, &BOX_OFFICE, true).unwrap();
    assert!(is_marked(&file).await);
    assert_eq!(admin::check(&file, &BOX_OFFICE, &[]).unwrap(), []);

    let db = Db::open(&file, &BOX_OFFICE).unwrap();
    let undone = db.write(|tx| {
        restored::clear(tx)?;
        Err::<(), _>(Error::Closed)
    });
    undone.await.unwrap_err();
    db.close().await;
    assert!(is_marked(&file).await, "it goes with the transaction that clears it");

    let db = Db::open(&file, &BOX_OFFICE).unwrap();
    db.write(restored::clear).await.unwrap();
    db.close().await;
    assert!(!is_marked(&file).await);
}

/// Returns whether the database is marked, and whether it is outdated.
async fn state(db: &Db) -> (bool, bool) {
    let state = |conn: &Connection| Ok::<_, Error>((restored::is_marked(conn)?, restored::is_outdated(conn)?));
    db.read(state).await.unwrap()
}

#[tokio::test]
async fn a_restored_database_is_outdated_until_the_journal_is_applied_and_each_restore_starts_again() {
    let folder = Folder::new();
    let (file, copy) = (folder.file("box-office.db"), folder.file("copy.db"));
    let mut db = folder.open();
    assert_eq!(state(&db).await, (false, false));
    db.write(restored::mark).await.unwrap();
    for started_at in [1000, 2000] {
        assert_eq!(state(&db).await, (true, true));
        let first = db.write(move |tx| restored::recover_from(tx, Some(started_at))).await;
        // The recovery is interrupted, and continues with newer records.
        let again = db
            .write(move |tx| restored::recover_from(tx, Some(started_at + 1)))
            .await;
        assert_eq!((first.unwrap(), again.unwrap()), (Some(started_at), Some(started_at)));
        assert_eq!(state(&db).await, (true, true));
        db.write(restored::record_applied_journal).await.unwrap();
        db.close().await;
        db = folder.open();
        assert_eq!(state(&db).await, (true, false), "also after a restart");
        let since = db.write(|tx| restored::recover_from(tx, Some(9000))).await.unwrap();
        assert_eq!(since, Some(started_at));

        // A backup of this state is as outdated as any other.
        db.close().await;
        let _ = std::fs::remove_file(&copy);
        admin::backup(&file, &copy).unwrap();
        admin::restore(&copy, &file, &BOX_OFFICE, true).unwrap();
        db = folder.open();
    }
    db.write(|tx| restored::recover_from(tx, None)).await.unwrap();
    db.write(restored::record_applied_journal).await.unwrap();
    db.write(restored::finish_recovery).await.unwrap();
    assert_eq!(state(&db).await, (false, false));
}

#[tokio::test]
async fn a_database_that_is_marked_again_during_its_recovery_stays_outdated() {
    let folder = Folder::new();
    let db = folder.open();
    db.write(restored::mark).await.unwrap();
    db.write(|tx| restored::recover_from(tx, None)).await.unwrap();
    db.write(restored::mark).await.unwrap();
    db.write(restored::record_applied_journal).await.unwrap();
    db.write(restored::finish_recovery).await.unwrap();
    assert_eq!(state(&db).await, (true, true));
}

#[tokio::test]
async fn the_mark_of_the_previous_release_is_that_of_an_outdated_database() {
    let folder = Folder::new();
    let db = folder.open();
    let mark = "CREATE TABLE restored (mark INTEGER PRIMARY KEY) STRICT";
    db.write(move |tx| Ok::<_, Error>(tx.execute_batch(mark)?))
        .await
        .unwrap();
    assert_eq!(state(&db).await, (true, true));
    let since = db.write(|tx| restored::recover_from(tx, Some(7))).await.unwrap();
    assert_eq!((since, state(&db).await), (Some(7), (true, true)));
    db.write(restored::record_applied_journal).await.unwrap();
    assert_eq!(state(&db).await, (true, false));
}

#[tokio::test]
async fn a_restored_file_is_installed_once_if_there_is_no_database() {
    let folder = Folder::new();
    let (file, copy) = (folder.file("a.db"), folder.file("a.db.restored"));
    assert!(
        !restored::install_restored_file(&file, &BOX_OFFICE).unwrap(),
        "there is no restored file"
    );
    admin::migrate(&file, &BOX_OFFICE).unwrap();
    admin::backup(&file, &copy).unwrap();
    assert!(
        !restored::install_restored_file(&file, &BOX_OFFICE).unwrap(),
        "there is a database"
    );
    assert!(copy.exists() && !is_marked(&file).await);

    std::fs::remove_file(&file).unwrap();
    assert!(restored::install_restored_file(&file, &BOX_OFFICE).unwrap());
    assert!(!copy.exists() && is_marked(&file).await);

    // After a power failure between installing the file and deleting the copy.
    std::fs::copy(&file, &copy).unwrap();
    assert!(!restored::install_restored_file(&file, &BOX_OFFICE).unwrap());
    assert!(!copy.exists() && is_marked(&file).await);
}
