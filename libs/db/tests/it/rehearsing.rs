//! What a release is going to do to a database, tried on a copy.

use std::fs;

use db::admin::{self, Error, Invariant};
use db::{Db, OpenError, Schema};

use crate::{BOX_OFFICE, Disk, notes, write_note};

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
    sql: "SELECT id FROM note WHERE author IS NULL",
};

async fn a_note(disk: &Disk) -> Db {
    let db = disk.open();
    db.write(|tx| write_note(tx, 1)).await.unwrap();
    db
}

#[tokio::test]
async fn a_rehearsal_tells_what_a_migration_does_and_leaves_a_running_database_as_it_is() {
    let disk = Disk::new();
    let db = a_note(&disk).await;
    let (file, log) = (disk.file("box-office.db"), disk.file("box-office.db-wal"));
    let before = (fs::read(&file).unwrap(), fs::read(&log).unwrap(), disk.files());

    let rehearsal = admin::rehearse(&file, &WITH_AUTHOR, &[SIGNED], None, false).unwrap();

    assert_eq!((rehearsal.from, rehearsal.to), (2, 3));
    assert_eq!(rehearsal.steps.iter().map(|step| step.to).collect::<Vec<_>>(), [3]);
    assert!(rehearsal.before > 0 && rehearsal.after >= rehearsal.before);
    let found: Vec<_> = rehearsal.findings.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["every note has an author: id=1"]);
    let after = (fs::read(&file).unwrap(), fs::read(&log).unwrap(), disk.files());
    assert!(before == after, "the database has changed, or a copy is left");
    db.write(|tx| write_note(tx, 2)).await.unwrap();
    assert_eq!(notes(&db).await, [1, 2]);
}

#[tokio::test]
async fn the_migrated_copy_can_be_kept_and_replaces_nothing() {
    let disk = Disk::new();
    a_note(&disk).await.close().await;
    let (file, copy) = (disk.file("box-office.db"), disk.file("tomorrow.db"));
    let rehearse = || admin::rehearse(&file, &WITH_AUTHOR, &[], Some(&copy), true);
    assert_eq!(rehearse().unwrap().kept, Some(copy.clone()));
    assert!(admin::check(&copy, &WITH_AUTHOR, &[SIGNED]).unwrap().len() == 1);
    assert!(matches!(rehearse(), Err(Error::Exists(path)) if path == copy));
    assert_eq!(admin::migrate(&file, &BOX_OFFICE).unwrap().from, 2);
}

#[tokio::test]
async fn a_rehearsal_that_fails_says_why_and_leaves_nothing() {
    const BROKEN: Schema = Schema {
        service: "box-office",
        migrations: &[
            BOX_OFFICE.migrations[0],
            BOX_OFFICE.migrations[1],
            "DROP TABLE nothing;",
        ],
    };
    let disk = Disk::new();
    a_note(&disk).await.close().await;
    let file = disk.file("box-office.db");
    let failed = admin::rehearse(&file, &BROKEN, &[], None, false).unwrap_err();
    assert!(matches!(failed, Error::Open(OpenError::Migration { .. })), "{failed}");
    assert!(failed.to_string().contains("nothing"), "{failed}");
    assert_eq!(disk.files(), ["box-office.db"]);
}

/// A file that is all hole has a size that no disk has room for.
#[test]
fn a_rehearsal_without_room_is_refused_before_it_copies() {
    let disk = Disk::new();
    let file = disk.file("box-office.db");
    fs::File::create(&file).unwrap().set_len(1 << 42).unwrap();
    let refused = admin::rehearse(&file, &WITH_AUTHOR, &[], None, false).unwrap_err();
    assert!(
        matches!(refused, Error::NoRoom { needed, .. } if needed == 3 << 42),
        "{refused}"
    );
    assert_eq!(disk.files(), ["box-office.db"]);
}
