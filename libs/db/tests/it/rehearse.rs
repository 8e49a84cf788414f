//! Rehearsed migrations on a copy.

use std::fs;

use db::admin::{self, Error, Invariant, Scope};
use db::{Db, OpenError, Schema};

use crate::{BOX_OFFICE, Folder, notes, write_note};

const WITH_AUTHOR: Schema = Schema {
    service: "box-office",
    migrations: &[
        BOX_OFFICE.migrations[0],
        BOX_OFFICE.migrations[1],
        "ALTER TABLE note ADD COLUMN author TEXT;",
    ],
};

const SIGNED: Invariant = Invariant {
    name: "every note has an author",
    sql: "SELECT id FROM note WHERE rowid BETWEEN ?1 AND ?2 AND author IS NULL",
    scope: Scope::Row("note"),
};

async fn a_note(folder: &Folder) -> Db {
    let db = folder.open();
    db.write(|tx| write_note(tx, 1)).await.unwrap();
    db
}

#[tokio::test]
async fn a_rehearsal_reports_the_effects_of_a_migration_and_does_not_change_a_running_database() {
    let folder = Folder::new();
    let db = a_note(&folder).await;
    let (file, log) = (folder.file("box-office.db"), folder.file("box-office.db-wal"));
    let before = (fs::read(&file).unwrap(), fs::read(&log).unwrap(), folder.files());

    let rehearsal = admin::rehearse(&file, &WITH_AUTHOR, &[SIGNED], None, false).unwrap();

    assert_eq!((rehearsal.from, rehearsal.to), (2, 3));
    assert_eq!(
        rehearsal
            .migrations
            .iter()
            .map(|migration| migration.to)
            .collect::<Vec<_>>(),
        [3]
    );
    assert!(rehearsal.bytes_before > 0 && rehearsal.bytes_after >= rehearsal.bytes_before);
    let found: Vec<_> = rehearsal.findings.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["every note has an author: id=1"]);
    let after = (fs::read(&file).unwrap(), fs::read(&log).unwrap(), folder.files());
    assert!(before == after, "the database has changed, or a copy is left");
    db.write(|tx| write_note(tx, 2)).await.unwrap();
    assert_eq!(notes(&db).await, [1, 2]);
}

#[tokio::test]
async fn the_migrated_copy_can_be_kept_and_replaces_nothing() {
    let folder = Folder::new();
    a_note(&folder).await.close().await;
    let (file, copy) = (folder.file("box-office.db"), folder.file("tomorrow.db"));
    let rehearse = || admin::rehearse(&file, &WITH_AUTHOR, &[], Some(&copy), true);
    assert_eq!(rehearse().unwrap().copy, Some(copy.clone()));
    assert!(admin::check(&copy, &WITH_AUTHOR, &[SIGNED]).unwrap().len() == 1);
    assert!(matches!(rehearse(), Err(Error::Exists(path)) if path == copy));
    assert_eq!(admin::migrate(&file, &BOX_OFFICE).unwrap().from, 2);
}

#[tokio::test]
async fn a_failed_rehearsal_reports_the_cause_and_leaves_no_file() {
    const BROKEN: Schema = Schema {
        service: "box-office",
        migrations: &[
            BOX_OFFICE.migrations[0],
            BOX_OFFICE.migrations[1],
            "DROP TABLE nothing;",
        ],
    };
    let folder = Folder::new();
    a_note(&folder).await.close().await;
    let file = folder.file("box-office.db");
    let failed = admin::rehearse(&file, &BROKEN, &[], None, false).unwrap_err();
    assert!(matches!(failed, Error::Open(OpenError::Migration { .. })), "{failed}");
    assert!(failed.to_string().contains("nothing"), "{failed}");
    assert_eq!(folder.files(), ["box-office.db"]);
}

/// A sparse file that is larger than any disk.
#[test]
fn a_rehearsal_without_room_is_refused_before_it_copies() {
    let folder = Folder::new();
    let file = folder.file("box-office.db");
    fs::File::create(&file).unwrap().set_len(1 << 42).unwrap();
    let refused = admin::rehearse(&file, &WITH_AUTHOR, &[], None, false).unwrap_err();
    assert!(
        matches!(refused, Error::NoRoom { needed, .. } if needed == 3 << 42),
        "{refused}"
    );
    assert_eq!(folder.files(), ["box-office.db"]);
}
