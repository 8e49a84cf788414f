use std::fs;

use db::{Db, Error, OpenError, Schema, admin};
use rusqlite::Connection;

use crate::{BOX_OFFICE, Folder, notes, write_note};

const YESTERDAY: Schema = Schema {
    migrations: &[BOX_OFFICE.migrations[0]],
    ..BOX_OFFICE
};

#[tokio::test]
async fn a_database_of_a_newer_release_is_refused_and_not_changed() {
    let folder = Folder::new();
    let db = folder.open();
    db.write(|tx| write_note(tx, 1)).await.unwrap();
    // As a crash leaves it: the newest commits are only in the log.
    let (file, log) = (folder.file("crashed.db"), folder.file("crashed.db-wal"));
    fs::copy(folder.file("box-office.db"), &file).unwrap();
    fs::copy(folder.file("box-office.db-wal"), &log).unwrap();
    let before = (fs::read(&file).unwrap(), fs::read(&log).unwrap());

    let refused = Db::open(&file, &YESTERDAY).unwrap_err();

    assert!(
        matches!(refused, OpenError::TooNew { found: 2, known: 1, .. }),
        "{refused}"
    );
    assert!(
        refused
            .to_string()
            .contains("has schema version 2, but this program supports only up to 1")
    );
    assert!(
        before == (fs::read(&file).unwrap(), fs::read(&log).unwrap()),
        "the files have changed"
    );
    assert_eq!(notes(&Db::open(&file, &BOX_OFFICE).unwrap()).await, [1]);
}

#[tokio::test]
async fn the_database_of_another_service_is_refused() {
    let folder = Folder::new();
    folder.open().close().await;
    let file = folder.file("box-office.db");
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
    assert_eq!(folder.files(), ["box-office.db"]);
}

#[test]
fn the_sqlite_file_of_another_program_is_refused() {
    let folder = Folder::new();
    let file = folder.file("browser-history.db");
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
    let folder = Folder::new();
    let file = folder.file("notes.txt");
    fs::write(&file, "milk, eggs, ".repeat(1000)).unwrap();
    assert!(matches!(
        Db::open(&file, &BOX_OFFICE),
        Err(OpenError::NotADatabase { .. })
    ));
    assert!(fs::read_to_string(&file).unwrap().starts_with("milk"));
}

#[test]
fn a_missing_folder_and_a_folder_in_place_of_the_file_are_reported() {
    let folder = Folder::new();
    let refused = Db::open(&folder.file("missing/box-office.db"), &BOX_OFFICE).unwrap_err();
    assert!(
        matches!(&refused, OpenError::NoFolder { folder: missing, .. } if *missing == folder.file("missing")),
        "{refused}"
    );
    let refused = Db::open(&folder.file("."), &BOX_OFFICE).unwrap_err();
    assert!(matches!(refused, OpenError::NotWritable { .. }), "{refused}");
}

#[tokio::test]
async fn migrations_keep_the_rows() {
    let folder = Folder::new();
    let file = folder.file("box-office.db");
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
    assert_eq!(notes(&folder.open()).await, [1]);
}

#[test]
fn a_migration_that_fails_leaves_the_version_before_it() {
    const BROKEN: Schema = Schema {
        migrations: &[BOX_OFFICE.migrations[0], "CREATE TABLE a (b) STRICT; DROP TABLE c;"],
        ..BOX_OFFICE
    };
    let folder = Folder::new();
    let file = folder.file("box-office.db");
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
    let folder = Folder::new();
    let file = folder.file("venue.db");
    let db = Db::open(&file, &REBUILT).unwrap();
    let dangling = db
        .write(|tx| -> Result<_, Error> { Ok(tx.execute("INSERT INTO seat VALUES (2, 9)", [])?) })
        .await;
    assert_eq!(dangling.unwrap_err().constraint(), Some(db::Constraint::ForeignKey));
    db.close().await;
    assert!(matches!(admin::migrate(&file, &LOST), Err(OpenError::Migration { .. })));
    assert!(admin::check(&file, &REBUILT, &[]).unwrap().is_empty());
}
