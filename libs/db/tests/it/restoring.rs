//! A database that was put back says so, until somebody has caught up with what it has missed.

use std::path::Path;

use db::{Db, Error, admin, restored};

use crate::{BOX_OFFICE, Disk};

async fn is_marked(file: &Path) -> bool {
    let db = Db::open(file, &BOX_OFFICE).unwrap();
    let marked = db.read(restored::is_marked).await.unwrap();
    db.close().await;
    marked
}

#[tokio::test]
async fn what_is_restored_is_marked_until_the_mark_is_cleared() {
    let disk = Disk::new();
    let (file, copy) = (disk.file("a.db"), disk.file("copy.db"));
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

#[tokio::test]
async fn a_copy_that_lies_beside_a_missing_database_is_put_in_its_place_once() {
    let disk = Disk::new();
    let (file, copy) = (disk.file("a.db"), disk.file("a.db.restored"));
    assert!(
        !restored::put_back(&file, &BOX_OFFICE).unwrap(),
        "there is nothing to put back"
    );
    admin::migrate(&file, &BOX_OFFICE).unwrap();
    admin::backup(&file, &copy).unwrap();
    assert!(!restored::put_back(&file, &BOX_OFFICE).unwrap(), "there is a database");
    assert!(copy.exists() && !is_marked(&file).await);

    std::fs::remove_file(&file).unwrap();
    assert!(restored::put_back(&file, &BOX_OFFICE).unwrap());
    assert!(!copy.exists() && is_marked(&file).await);

    // The power failed after it was put there, and before the copy was taken away.
    std::fs::copy(&file, &copy).unwrap();
    assert!(!restored::put_back(&file, &BOX_OFFICE).unwrap());
    assert!(!copy.exists() && is_marked(&file).await);
}
