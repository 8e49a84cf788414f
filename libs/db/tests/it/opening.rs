use std::fs;

use db::{Db, Error, OpenError, Schema, admin};
use rusqlite::Connection;

use crate::{BOX_OFFICE, Disk, notes, write_note};

const YESTERDAY: Schema = Schema {
    migrations: &[BOX_OFFICE.migrations[0]],
    ..BOX_OFFICE
};

#[tokio::test]
async fn a_database_from_a_newer_release_is_refused_and_left_as_it_is() {
    let disk = Disk::new();
    let db = disk.open();
    db.write(|tx| write_note(tx, 1)).await.unwrap();
    // As a crash leaves it: the newest commits are only in the log.
    let (file, log) = (disk.file("crashed.db"), disk.file("crashed.db-wal"));
    fs::copy(disk.file("box-office.db"), &file).unwrap();
    fs::copy(disk.file("box-office.db-wal"), &log).unwrap();
    let before = (fs::read(&file).unwrap(), fs::read(&log).unwrap());

    let refused = Db::open(&file, &YESTERDAY).unwrap_err();

    assert!(
        matches!(refused, OpenError::TooNew { found: 2, known: 1, .. }),
        "{refused}"
    );
    assert!(
        refused
            .to_string()
            .contains("has schema version 2, but this program knows only up to 1")
    );
    assert!(
        before == (fs::read(&file).unwrap(), fs::read(&log).unwrap()),
        "the files have changed"
    );
    assert_eq!(notes(&Db::open(&file, &BOX_OFFICE).unwrap()).await, [1]);
}

#[tokio::test]
async fn another_services_database_is_refused() {
    let disk = Disk::new();
    disk.open().close().await;
    let file = disk.file("box-office.db");
    let refused = Db::open(
        &file,
        &Schema {
            service: "cloakroom",
            ..BOX_OFFICE
        },
    )
    .unwrap_err();
    assert!(
        matches!(
            refused,
            OpenError::Foreign {
                service: "cloakroom",
                ..
            }
        ),
        "{refused}"
    );
    assert_eq!(disk.files(), ["box-office.db"]);
}

#[test]
fn somebody_elses_sqlite_file_is_refused() {
    let disk = Disk::new();
    let file = disk.file("browser-history.db");
    Connection::open(&file)
        .unwrap()
        .execute_batch("CREATE TABLE visit (url TEXT)")
        .unwrap();
    let before = fs::read(&file).unwrap();
    assert!(matches!(Db::open(&file, &BOX_OFFICE), Err(OpenError::Foreign { .. })));
    assert!(fs::read(&file).unwrap() == before);
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let disk = Disk::new();
    let file = disk.file("notes.txt");
    fs::write(&file, "milk, eggs, ".repeat(1000)).unwrap();
    assert!(matches!(
        Db::open(&file, &BOX_OFFICE),
        Err(OpenError::NotADatabase { .. })
    ));
    assert!(fs::read_to_string(&file).unwrap().starts_with("milk"));
}

#[test]
fn a_missing_folder_and_a_folder_in_the_files_place_are_named() {
    let disk = Disk::new();
    let refused = Db::open(&disk.file("missing/box-office.db"), &BOX_OFFICE).unwrap_err();
    assert!(
        matches!(&refused, OpenError::NoFolder { folder, .. } if *folder == disk.file("missing")),
        "{refused}"
    );
    let refused = Db::open(&disk.file("."), &BOX_OFFICE).unwrap_err();
    assert!(matches!(refused, OpenError::NotWritable { .. }), "{refused}");
}

#[tokio::test]
async fn migrations_go_forward_and_keep_what_is_there() {
    let disk = Disk::new();
    let file = disk.file("box-office.db");
    assert_eq!(
        admin::migrate(&file, &YESTERDAY).unwrap(),
        admin::MigrationReport { from: 0, to: 1 }
    );
    let db = Db::open(&file, &YESTERDAY).unwrap();
    db.write(|tx| write_note(tx, 1)).await.unwrap();
    db.close().await;
    assert_eq!(
        admin::migrate(&file, &BOX_OFFICE).unwrap(),
        admin::MigrationReport { from: 1, to: 2 }
    );
    assert_eq!(
        admin::migrate(&file, &BOX_OFFICE).unwrap(),
        admin::MigrationReport { from: 2, to: 2 }
    );
    assert_eq!(notes(&disk.open()).await, [1]);
}

#[test]
fn a_migration_that_fails_leaves_the_version_before_it() {
    const BROKEN: Schema = Schema {
        migrations: &[BOX_OFFICE.migrations[0], "CREATE TABLE a (b) STRICT; DROP TABLE c;"],
        ..BOX_OFFICE
    };
    let disk = Disk::new();
    let file = disk.file("box-office.db");
    admin::migrate(&file, &YESTERDAY).unwrap();
    assert!(matches!(
        admin::migrate(&file, &BROKEN),
        Err(OpenError::Migration { .. })
    ));
    assert_eq!(
        admin::migrate(&file, &YESTERDAY).unwrap(),
        admin::MigrationReport { from: 1, to: 1 }
    );
}

#[tokio::test]
async fn a_migration_may_rebuild_a_table_that_others_refer_to_but_not_lose_its_rows() {
    const SCRIPTS: [&str; 3] = [
        "CREATE TABLE venue (id INTEGER PRIMARY KEY, name TEXT) STRICT;
         CREATE TABLE seat (id INTEGER PRIMARY KEY, venue INTEGER NOT NULL REFERENCES venue) STRICT;
         INSERT INTO venue VALUES (1, 'Roundhouse'); INSERT INTO seat VALUES (1, 1);",
        "CREATE TABLE better (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
         INSERT INTO better SELECT * FROM venue; DROP TABLE venue; ALTER TABLE better RENAME TO venue;",
        "DELETE FROM venue;",
    ];
    const REBUILT: Schema = Schema {
        service: "venue",
        migrations: &[SCRIPTS[0], SCRIPTS[1]],
    };
    const LOST: Schema = Schema {
        service: "venue",
        migrations: &SCRIPTS,
    };
    let disk = Disk::new();
    let file = disk.file("venue.db");
    let db = Db::open(&file, &REBUILT).unwrap();
    let dangling = db
        .write(|tx| -> Result<_, Error> { Ok(tx.execute("INSERT INTO seat VALUES (2, 9)", [])?) })
        .await;
    assert_eq!(dangling.unwrap_err().constraint(), Some(db::Constraint::ForeignKey));
    db.close().await;
    assert!(matches!(admin::migrate(&file, &LOST), Err(OpenError::Migration { .. })));
    assert!(admin::check(&file, &REBUILT, &[]).unwrap().is_empty());
}
