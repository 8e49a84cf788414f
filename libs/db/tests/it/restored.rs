//! The mark of a restored database.

use std::path::Path;

use db::{Db, Error, admin, restored};

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
