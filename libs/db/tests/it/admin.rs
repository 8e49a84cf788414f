use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use db::admin::{self, Error, Invariant, Scope};
use db::{Db, OpenError, Schema};
use tokio::task::JoinSet;

use crate::{BOX_OFFICE, Folder, notes, write_note};

const IN_PAIRS: Invariant = Invariant {
    name: "notes come in pairs",
    sql: "SELECT id FROM note AS one WHERE NOT EXISTS (SELECT 1 FROM note WHERE id = -one.id)",
    scope: Scope::Whole,
};

fn write_pair(tx: &db::Tx, id: i64) -> Result<(), db::Error> {
    write_note(tx, id)?;
    write_note(tx, -id)
}

async fn database_with(file: &Path, pairs: i64) {
    let db = Db::open(file, &BOX_OFFICE).unwrap();
    db.write(move |tx| (1..=pairs).try_for_each(|id| write_pair(tx, id)))
        .await
        .unwrap();
    db.close().await;
}

async fn notes_in(file: &Path) -> Vec<i64> {
    let db = Db::open(file, &BOX_OFFICE).unwrap();
    let notes = notes(&db).await;
    db.close().await;
    notes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_has_one_state_and_can_be_restored() {
    let folder = Folder::new();
    let db = folder.open();
    let (file, copy, restored) = (
        folder.file("box-office.db"),
        folder.file("copy.db"),
        folder.file("restored.db"),
    );
    db.write(|tx| (1..1000).try_for_each(|id| write_pair(tx, id)))
        .await
        .unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let (db, done) = (db.clone(), Arc::clone(&done));
        writers.spawn(async move {
            let mut written: i64 = 0;
            while !done.load(Ordering::Relaxed) {
                written += 1;
                let id = writer * 1_000_000 + 1000 + written;
                db.write(move |tx| write_pair(tx, id)).await.unwrap();
            }
            written
        });
    }
    let (from, to) = (file.clone(), copy.clone());
    tokio::task::spawn_blocking(move || admin::backup(&from, &to).unwrap())
        .await
        .unwrap();
    done.store(true, Ordering::Relaxed);
    assert!(
        writers.join_all().await.into_iter().sum::<i64>() > 0,
        "there was no load"
    );

    assert_eq!(admin::check(&copy, &BOX_OFFICE, &[IN_PAIRS]).unwrap(), []);
    admin::restore(&copy, &restored, &BOX_OFFICE, false).unwrap();
    assert_eq!(admin::check(&restored, &BOX_OFFICE, &[IN_PAIRS]).unwrap(), []);
    assert!(notes_in(&restored).await.len() >= 1998);
    assert_eq!(
        admin::check(&file, &BOX_OFFICE, &[IN_PAIRS]).unwrap(),
        [],
        "checked while it runs"
    );
}

#[tokio::test]
async fn a_backup_overwrites_no_file_and_leaves_no_other_file() {
    let folder = Folder::new();
    let (file, copy) = (folder.file("box-office.db"), folder.file("copy.db"));
    database_with(&file, 3).await;
    fs::write(&copy, "precious").unwrap();
    assert!(matches!(admin::backup(&file, &copy), Err(Error::Exists(_))));
    assert_eq!(fs::read_to_string(&copy).unwrap(), "precious");
    fs::remove_file(&copy).unwrap();

    admin::backup(&file, &copy).unwrap();
    assert!(matches!(
        admin::backup(&folder.file("missing.db"), &folder.file("other.db")),
        Err(Error::Missing(_))
    ));
    assert_eq!(folder.files(), ["box-office.db", "copy.db"]);
}

/// Creates a backup that a process writes, as its lock shows.
fn running_backup(path: &Path) -> fs::File {
    let file = fs::File::create(path).unwrap();
    file.try_lock().unwrap();
    file
}

#[tokio::test]
async fn a_backup_deletes_what_a_killed_backup_of_the_same_service_has_left() {
    const CLOAKROOM: Schema = Schema {
        service: "cloakroom",
        ..BOX_OFFICE
    };
    let folder = Folder::new();
    let backups = folder.file("backups");
    fs::create_dir(&backups).unwrap();
    let (file, other) = (folder.file("box-office.db"), folder.file("cloakroom.db"));
    database_with(&file, 3).await;
    admin::migrate(&other, &CLOAKROOM).unwrap();
    let mark = |file: &Path| {
        let conn = rusqlite::Connection::open(file).unwrap();
        let id: i32 = conn
            .pragma_query_value(None, "application_id", |row| row.get(0))
            .unwrap();
        format!("{id:08x}")
    };
    let (own, others) = (mark(&file), mark(&other));
    let killed = backups.join(format!("monday.db.{own}.partial"));
    fs::write(&killed, "half of it").unwrap();
    fs::write(format!("{}-journal", killed.display()), "").unwrap();
    let running = backups.join(format!("tuesday.db.{own}.partial"));
    let running_file = running_backup(&running);
    let foreign = [
        backups.join(format!("monday.db.{others}.partial")),
        backups.join("film.mkv.partial"),
    ];
    for foreign in &foreign {
        fs::write(foreign, "of another program").unwrap();
    }

    admin::backup(&file, &backups.join("wednesday.db")).unwrap();
    let mut left: Vec<_> = fs::read_dir(&backups)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    left.sort();
    let mut expected = vec![backups.join("wednesday.db"), running.clone()];
    expected.extend(foreign);
    expected.sort();
    assert_eq!(left, expected);

    // The same target again: refused while the other backup runs, taken over once it was killed.
    let tuesday = backups.join("tuesday.db");
    assert!(matches!(admin::backup(&file, &tuesday), Err(Error::BeingWritten(_))));
    assert!(running.exists());
    // Closing it is not enough: a process that another test starts holds the lock, too, until it runs its own program.
    running_file.unlock().unwrap();
    admin::backup(&file, &tuesday).unwrap();
    assert!(!running.exists());
    assert_eq!(admin::check(&tuesday, &BOX_OFFICE, &[IN_PAIRS]).unwrap(), []);
}

#[tokio::test]
async fn a_check_reports_its_progress_and_finds_damage_of_a_table_and_of_an_index() {
    const INDEXED: Schema = Schema {
        migrations: &[
            BOX_OFFICE.migrations[0],
            BOX_OFFICE.migrations[1],
            "CREATE INDEX note_by_text ON note (text)",
        ],
        ..BOX_OFFICE
    };
    let folder = Folder::new();
    let file = folder.file("box-office.db");
    let db = Db::open(&file, &INDEXED).unwrap();
    db.write(|tx| (1..=3).try_for_each(|id| write_pair(tx, id)))
        .await
        .unwrap();
    let mut names = Vec::new();
    let mut report = |progress: admin::Progress<'_>| names.push(progress.check.to_owned());
    let checked = admin::check_online(&file, &INDEXED, &[IN_PAIRS], &mut report).unwrap();
    assert_eq!((checked.findings, checked.unverified), (vec![], vec![]));
    assert_eq!(names.last().unwrap(), IN_PAIRS.name);
    assert!(names.contains(&"integrity of note".to_owned()), "{names:?}");
    db.close().await;

    // An index without one of its rows.
    let conn = rusqlite::Connection::open(&file).unwrap();
    conn.execute_batch(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE INDEX note_by_text ON note (text) WHERE id > 0' WHERE name = 'note_by_text';",
    )
    .unwrap();
    drop(conn);
    let conn = rusqlite::Connection::open(&file).unwrap();
    conn.execute_batch("INSERT INTO note VALUES (-9, 'lost'), (9, 'kept')")
        .unwrap();
    conn.execute_batch(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE INDEX note_by_text ON note (text)' WHERE name = 'note_by_text';",
    )
    .unwrap();
    drop(conn);
    let findings = admin::check_full(&file, &INDEXED, &[IN_PAIRS], &mut |_| {})
        .unwrap()
        .findings;
    assert!(
        findings.iter().any(|finding| finding.check == "integrity of note"),
        "{findings:?}"
    );
}

#[tokio::test]
async fn a_restore_replaces_a_database_only_by_force_and_only_if_no_process_has_it_open() {
    let folder = Folder::new();
    let (file, copy) = (folder.file("box-office.db"), folder.file("copy.db"));
    database_with(&file, 1).await;
    admin::backup(&file, &copy).unwrap();

    let db = folder.open();
    db.write(|tx| write_pair(tx, 2)).await.unwrap();
    assert!(matches!(
        admin::restore(&copy, &file, &BOX_OFFICE, false),
        Err(Error::Exists(_))
    ));
    assert!(matches!(
        admin::restore(&copy, &file, &BOX_OFFICE, true),
        Err(Error::InUse(_))
    ));
    db.write(|tx| write_pair(tx, 3)).await.unwrap();
    assert_eq!(
        notes(&db).await,
        [-3, -2, -1, 1, 2, 3],
        "the refused restore changed something"
    );
    db.close().await;

    admin::restore(&copy, &file, &BOX_OFFICE, true).unwrap();
    assert_eq!(notes_in(&file).await, [-1, 1]);
}

#[tokio::test]
async fn the_log_of_a_crashed_database_is_not_replayed_into_the_restored_one() {
    let folder = Folder::new();
    let (file, copy) = (folder.file("box-office.db"), folder.file("copy.db"));
    database_with(&file, 1).await;
    admin::backup(&file, &copy).unwrap();
    let db = folder.open();
    db.write(|tx| write_pair(tx, 2)).await.unwrap();
    let (crashed, log) = (folder.file("crashed.db"), folder.file("crashed.db-wal"));
    fs::copy(folder.file("box-office.db-wal"), &log).unwrap();
    for replaced in [None, Some(&file)] {
        if let Some(file) = replaced {
            fs::copy(file, &crashed).unwrap();
            fs::copy(folder.file("box-office.db-wal"), &log).unwrap();
        }
        admin::restore(&copy, &crashed, &BOX_OFFICE, replaced.is_some()).unwrap();
        assert!(!log.exists());
        assert_eq!(notes_in(&crashed).await, [-1, 1]);
    }
}

#[tokio::test]
async fn a_damaged_database_can_be_replaced() {
    let folder = Folder::new();
    let (file, copy) = (folder.file("box-office.db"), folder.file("copy.db"));
    database_with(&file, 1).await;
    admin::backup(&file, &copy).unwrap();
    fs::write(&file, "not what it was ".repeat(1000)).unwrap();
    admin::restore(&copy, &file, &BOX_OFFICE, true).unwrap();
    assert_eq!(notes_in(&file).await, [-1, 1]);
}

#[tokio::test]
async fn a_damaged_foreign_or_newer_database_is_not_restored() {
    const YESTERDAY: Schema = Schema {
        migrations: &[BOX_OFFICE.migrations[0]],
        ..BOX_OFFICE
    };
    let folder = Folder::new();
    let (file, copy, to) = (
        folder.file("box-office.db"),
        folder.file("copy.db"),
        folder.file("restored.db"),
    );
    database_with(&file, 1000).await;
    admin::backup(&file, &copy).unwrap();

    let foreign = Schema {
        service: "cloakroom",
        ..BOX_OFFICE
    };
    let refused = admin::restore(&copy, &to, &foreign, false).unwrap_err();
    assert!(matches!(refused, Error::Open(OpenError::Foreign { .. })), "{refused}");
    let refused = admin::restore(&copy, &to, &YESTERDAY, false).unwrap_err();
    assert!(
        matches!(refused, Error::Open(OpenError::TooNew { found: 2, known: 1, .. })),
        "{refused}"
    );

    fs::write(folder.file("empty.db"), "").unwrap();
    let refused = admin::restore(&folder.file("empty.db"), &to, &BOX_OFFICE, false).unwrap_err();
    assert!(matches!(refused, Error::Open(OpenError::Foreign { .. })), "{refused}");

    let mut bytes = fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xa5);
    fs::write(&copy, bytes).unwrap();
    let refused = admin::restore(&copy, &to, &BOX_OFFICE, false).unwrap_err();
    assert!(matches!(refused, Error::Damaged { .. }), "{refused}");
    assert!(!to.exists());
}

#[tokio::test]
async fn a_check_reports_the_violated_invariant_and_the_rows() {
    const TOMORROW: Schema = Schema {
        migrations: &[BOX_OFFICE.migrations[0], BOX_OFFICE.migrations[1], "SELECT 1"],
        ..BOX_OFFICE
    };
    let folder = Folder::new();
    let db = folder.open();
    let file = folder.file("box-office.db");
    db.write(|tx| write_note(tx, 5)).await.unwrap();
    let findings = admin::check(&file, &BOX_OFFICE, &[IN_PAIRS]).unwrap();
    let messages: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(messages, ["notes come in pairs: id=5"]);

    db.write(|tx| (6..50).try_for_each(|id| write_note(tx, id)))
        .await
        .unwrap();
    let findings = admin::check(&file, &BOX_OFFICE, &[IN_PAIRS]).unwrap();
    assert_eq!((findings.len(), findings[20].detail.as_str()), (21, "and 25 more"));

    let findings = admin::check(&file, &TOMORROW, &[IN_PAIRS]).unwrap();
    assert_eq!(
        findings[0].to_string(),
        "schema version: the database has 2, this program 3"
    );
}
