//! The previous release on a database that a new release has migrated.

use std::fs;

use db::{Db, OpenError, Schema, admin};

use crate::{BOX_OFFICE, Folder, notes, write_note};

const ADDITIVE: &str = "-- additive: notes may have an author\nALTER TABLE note ADD COLUMN author TEXT;";
const BREAKING: &str = "ALTER TABLE note RENAME COLUMN text TO body;";

const WITH_AUTHOR: Schema = Schema {
    service: "box-office",
    migrations: &[BOX_OFFICE.migrations[0], BOX_OFFICE.migrations[1], ADDITIVE],
};
const RENAMED: Schema = Schema {
    service: "box-office",
    migrations: &[BOX_OFFICE.migrations[0], BOX_OFFICE.migrations[1], BREAKING],
};
const RENAMED_THEN_MORE: Schema = Schema {
    service: "box-office",
    migrations: &[
        BOX_OFFICE.migrations[0],
        BOX_OFFICE.migrations[1],
        BREAKING,
        "-- additive: a table more\nCREATE TABLE guest (name TEXT) STRICT;",
    ],
};

#[tokio::test]
async fn after_an_additive_migration_the_previous_release_reads_and_writes_and_keeps_the_schema() {
    let folder = Folder::new();
    let (file, old) = (folder.file("box-office.db"), folder.open());
    old.write(|tx| write_note(tx, 1)).await.unwrap();
    old.close().await;
    Db::open(&file, &WITH_AUTHOR).unwrap().close().await;

    let old = folder.open();
    old.write(|tx| write_note(tx, 2)).await.unwrap();
    assert_eq!(notes(&old).await, [1, 2]);
    old.close().await;
    assert!(admin::check(&file, &BOX_OFFICE, &[]).unwrap().is_empty());
    let unchanged = admin::MigrationReport { from: 3, to: 3 };
    assert_eq!(admin::migrate(&file, &BOX_OFFICE).unwrap(), unchanged);

    let new = Db::open(&file, &WITH_AUTHOR).unwrap();
    assert_eq!(notes(&new).await, [1, 2]);
}

#[tokio::test]
async fn after_a_migration_that_is_not_additive_the_previous_release_is_refused() {
    for schema in [RENAMED, RENAMED_THEN_MORE] {
        let folder = Folder::new();
        let file = folder.file("box-office.db");
        folder.open().close().await;
        Db::open(&file, &schema).unwrap().close().await;
        let before = fs::read(&file).unwrap();

        let refused = Db::open(&file, &BOX_OFFICE).unwrap_err();

        assert!(matches!(refused, OpenError::TooNew { known: 2, .. }), "{refused}");
        assert!(before == fs::read(&file).unwrap(), "the file has changed");
        assert_eq!(admin::check(&file, &BOX_OFFICE, &[]).unwrap().len(), 1);
    }
}

#[tokio::test]
async fn an_additive_migration_after_a_breaking_one_admits_the_release_between() {
    let folder = Folder::new();
    let file = folder.file("box-office.db");
    Db::open(&file, &RENAMED_THEN_MORE).unwrap().close().await;
    assert!(Db::open(&file, &RENAMED).is_ok());
}
