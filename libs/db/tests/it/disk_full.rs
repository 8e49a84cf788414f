use std::path::Path;
use std::process::Command;

use db::{Db, Error, Health, admin};
use tokio::task::JoinSet;

use crate::{BOX_OFFICE, Folder, notes};

/// Runs one hundred concurrent writes of a page each. Returns those that succeeded; the others must report the cause.
async fn fill(db: &Db, first: i64) -> Vec<i64> {
    let mut writes = JoinSet::new();
    for id in first..first + 100 {
        let db = db.clone();
        writes.spawn(async move { note(&db, id).await });
    }
    let mut saved = Vec::new();
    for outcome in writes.join_all().await {
        match outcome {
            Ok(id) => saved.push(id),
            Err(Error::Unavailable { reason }) => assert_eq!(reason, "database or disk is full"),
            Err(other) => panic!("{other}"),
        }
    }
    saved.sort_unstable();
    saved
}

/// The same, and then further writes until one fails.
async fn fill_up(db: &Db, first: i64) -> Vec<i64> {
    let mut saved = fill(db, first).await;
    for id in first + 100.. {
        match note(db, id).await {
            Ok(id) => saved.push(id),
            Err(refused) => {
                assert_eq!(
                    refused.to_string(),
                    "the storage is unavailable: database or disk is full"
                );
                break;
            }
        }
    }
    saved
}

/// Writes a note that fills a page.
async fn note(db: &Db, id: i64) -> Result<i64, Error> {
    db.write(move |tx| {
        tx.execute("INSERT INTO note (id, text) VALUES (?1, ?2)", (id, "x".repeat(4000)))?;
        Ok(id)
    })
    .await
}

fn full() -> Health {
    Health::Failing {
        reason: "database or disk is full".to_owned(),
    }
}

async fn allow_pages(db: &Db, pages: i64) {
    db.write(move |tx| -> Result<_, Error> { Ok(tx.pragma_update(None, "max_page_count", pages)?) })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_database_reports_it_keeps_completed_writes_and_continues_when_there_is_room() {
    let folder = Folder::new();
    let db = folder.open();
    allow_pages(&db, 40).await;
    let mut saved = fill_up(&db, 0).await;
    assert_eq!(*db.health().borrow(), full());
    assert_eq!(notes(&db).await, saved);

    allow_pages(&db, 4000).await;
    let more = fill(&db, 1000).await;
    assert_eq!(more.len(), 100);
    assert_eq!(*db.health().borrow(), Health::Writable);
    saved.extend(more);
    db.close().await;
    assert_eq!(notes(&folder.open()).await, saved);
    assert_eq!(
        admin::check(&folder.file("box-office.db"), &BOX_OFFICE, &[]).unwrap(),
        []
    );
}

/// The same on a file system that is really full: there it is the commit that fails.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "mounts a small tmpfs: needs root"]
async fn a_full_file_system_reports_it_keeps_completed_writes_and_continues_when_there_is_room() {
    let folder = Folder::new();
    let small = folder.file("small");
    std::fs::create_dir(&small).unwrap();
    let small = Mount::of_one_mebibyte(&small);
    let (file, ballast) = (small.0.join("box-office.db"), small.0.join("ballast"));
    let db = Db::open(&file, &BOX_OFFICE).unwrap();
    std::fs::write(&ballast, vec![0; 600 * 1024]).unwrap();

    let saved = fill_up(&db, 0).await;
    assert_eq!(*db.health().borrow(), full());
    assert_eq!(notes(&db).await, saved);
    assert!(db.probe().await.is_err());

    std::fs::remove_file(&ballast).unwrap();
    db.probe().await.unwrap();
    assert_eq!(*db.health().borrow(), Health::Writable);
    db.close().await;
    let db = Db::open(&file, &BOX_OFFICE).unwrap();
    assert_eq!(notes(&db).await, saved);
    db.close().await;
    assert_eq!(admin::check(&file, &BOX_OFFICE, &[]).unwrap(), []);
}

struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    fn of_one_mebibyte(at: &'a Path) -> Self {
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(at)
            .status()
            .unwrap();
        assert!(mount.success(), "mount needs root");
        Self(at)
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        // Lazily: a failed test may still hold files open.
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}
