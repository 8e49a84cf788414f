//! Checks of a database in use: in short reads, and of a copy.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use db::admin::{self, Finding, Invariant, Part, Scope, Sums};
use db::{Db, Error, Schema};
use tokio::task::JoinSet;

use crate::Folder;

/// Guests of stalls. Each stall counts its guests, and the tickets of those who have paid.
const FAIR: Schema = Schema {
    service: "fair",
    migrations: &[
        "CREATE TABLE stall (name TEXT NOT NULL, row TEXT NOT NULL, guests INTEGER NOT NULL, paid INTEGER NOT NULL,
                                       PRIMARY KEY (row, name)) STRICT, WITHOUT ROWID;
                   CREATE TABLE guest (id INTEGER PRIMARY KEY, row TEXT NOT NULL, stall TEXT NOT NULL,
                                       paid INTEGER NOT NULL,
                                       FOREIGN KEY (row, stall) REFERENCES stall (row, name)) STRICT;
                   CREATE INDEX guest_by_stall ON guest (row, stall);
                   CREATE TABLE total (guests INTEGER NOT NULL) STRICT;
                   INSERT INTO total VALUES (0);",
    ],
};

const OF_STALL: &str = "SELECT ?1 AS row, ?2 AS name
    FROM (SELECT count(*) AS guests, coalesce(sum(paid), 0) AS paid FROM guest WHERE row = ?1 AND stall = ?2) g
    LEFT JOIN stall s ON s.row = ?1 AND s.name = ?2
    WHERE g.guests <> coalesce(s.guests, 0) OR g.paid <> coalesce(s.paid, 0)";

const STALLS_COUNT: Invariant = Invariant {
    name: "stalls count their guests",
    sql: "SELECT row, name FROM (SELECT row, stall AS name, count(*) AS guests, sum(paid) AS paid FROM guest GROUP BY 1, 2) g
          FULL JOIN stall s USING (row, name)
          WHERE coalesce(g.guests, 0) <> coalesce(s.guests, 0) OR coalesce(g.paid, 0) <> coalesce(s.paid, 0)",
    scope: Scope::Key(Sums {
        parts: &[
            Part {
                table: "guest",
                key: &["row", "stall"],
                numbers: &["1", "paid"],
            },
            Part {
                table: "stall",
                key: &["row", "name"],
                numbers: &["-guests", "-paid"],
            },
        ],
        of_key: Some(OF_STALL),
    }),
};

const TOTAL_COUNTS: Invariant = Invariant {
    name: "the total counts all guests",
    sql: "SELECT guests FROM total WHERE guests <> (SELECT count(*) FROM guest)",
    scope: Scope::Key(Sums {
        parts: &[
            Part {
                table: "guest",
                key: &[],
                numbers: &["1"],
            },
            Part {
                table: "total",
                key: &[],
                numbers: &["-guests"],
            },
        ],
        of_key: None,
    }),
};

const PAID_ONCE: Invariant = Invariant {
    name: "nobody pays less than nothing",
    sql: "SELECT id FROM guest WHERE id BETWEEN ?1 AND ?2 AND paid < 0",
    scope: Scope::Row("guest"),
};

const INVARIANTS: &[Invariant] = &[STALLS_COUNT, TOTAL_COUNTS, PAID_ONCE];

/// Adds a guest, and counts it.
fn admit(tx: &db::Tx, guest: i64) -> Result<(), Error> {
    let (row, stall, paid) = ((guest % 7).to_string(), (guest % 50).to_string(), guest % 3);
    tx.execute(
        "INSERT INTO stall VALUES (?2, ?1, 1, ?3)
         ON CONFLICT DO UPDATE SET guests = guests + 1, paid = paid + excluded.paid",
        (&row, &stall, paid),
    )?;
    tx.execute("INSERT INTO guest VALUES (?1, ?2, ?3, ?4)", (guest, &row, &stall, paid))?;
    tx.execute("UPDATE total SET guests = guests + 1", [])?;
    Ok(())
}

async fn open(path: &Path) -> Db {
    let db = Db::open(path, &FAIR).unwrap();
    db.write(|tx| (0..5000).try_for_each(|guest| admit(tx, guest * 11)))
        .await
        .unwrap();
    db
}

fn check_online(path: &Path, invariants: &[Invariant]) -> admin::CheckReport {
    admin::check_online(path, &FAIR, invariants, &mut |_| {}).unwrap()
}

fn details(mut findings: Vec<Finding>) -> Vec<String> {
    findings.sort_by(|one, other| one.detail.cmp(&other.detail));
    findings.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn rows_that_are_counted_wrongly_are_found_by_their_sums() {
    let folder = Folder::new();
    let file = folder.file("fair.db");
    let db = open(&file).await;
    assert_eq!(admin::check(&file, &FAIR, INVARIANTS).unwrap(), []);
    for (change, expected) in [
        (
            "UPDATE stall SET guests = guests + 1 WHERE row = '3' AND name = '17'",
            vec!["stalls count their guests: row=3, name=17"],
        ),
        // The numbers of all rows sum to the same, and so do those of one row.
        (
            "UPDATE stall SET paid = paid + iif(name = '4', 1, -1) WHERE row = '1' AND name IN ('4', '5')",
            vec![
                "stalls count their guests: row=1, name=4",
                "stalls count their guests: row=1, name=5",
            ],
        ),
        (
            "UPDATE stall SET guests = guests + 2, paid = paid - 2 WHERE row = '2' AND name = '9'",
            vec!["stalls count their guests: row=2, name=9"],
        ),
        (
            "INSERT INTO stall VALUES ('empty', '1', 1, 0)",
            vec!["stalls count their guests: row=1, name=empty"],
        ),
        (
            "UPDATE guest SET stall = '12' WHERE row = '5' AND stall = '11' AND id = (SELECT min(id) FROM guest WHERE row = '5' AND stall = '11')",
            vec![
                "stalls count their guests: row=5, name=11",
                "stalls count their guests: row=5, name=12",
            ],
        ),
        (
            "UPDATE total SET guests = guests - 1",
            vec!["the total counts all guests: guests=4999"],
        ),
        (
            "INSERT INTO guest VALUES (999999, '6', '1', -1);
             UPDATE stall SET guests = guests + 1, paid = paid - 1 WHERE row = '6' AND name = '1';
             UPDATE total SET guests = guests + 1",
            vec!["nobody pays less than nothing: id=999999"],
        ),
    ] {
        let broken = folder.file("broken.db");
        admin::backup(&file, &broken).unwrap();
        rusqlite::Connection::open(&broken)
            .unwrap()
            .execute_batch(change)
            .unwrap();
        let found = check_online(&broken, INVARIANTS);
        assert_eq!(
            (details(found.findings), found.unverified),
            (expected.into_iter().map(str::to_owned).collect(), vec![]),
            "{change}"
        );
        let found = admin::check(&broken, &FAIR, INVARIANTS).unwrap();
        assert!(
            !found.is_empty() && found.iter().all(|finding| !finding.detail.contains("by parts")),
            "{found:?}"
        );
        std::fs::remove_file(&broken).unwrap();
    }
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_beside_writes_finds_no_violation_where_there_is_none() {
    let folder = Folder::new();
    let file = folder.file("fair.db");
    let db = open(&file).await;
    let done = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for writer in 1..=4 {
        let (db, done) = (db.clone(), Arc::clone(&done));
        writers.spawn(async move {
            let mut guest = writer * 1_000_000;
            while !done.load(Ordering::Relaxed) {
                guest += 1;
                db.write(move |tx| admit(tx, guest)).await.unwrap();
            }
        });
    }
    let check = || {
        let file = file.clone();
        tokio::task::spawn_blocking(move || check_online(&file, INVARIANTS))
    };
    for _ in 0..10 {
        let found = check().await.unwrap();
        assert_eq!((found.findings, found.unverified), (vec![], vec![]));
    }
    // A violation that is there all the time is found among those that differ for a moment.
    db.write(|tx| {
        tx.execute(
            "UPDATE stall SET guests = guests + 1000000 WHERE row = '3' AND name = '17'",
            [],
        )?;
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
    let broken = check().await.unwrap();
    done.store(true, Ordering::Relaxed);
    writers.join_all().await;
    assert_eq!(details(broken.findings), ["stalls count their guests: row=3, name=17"]);
    db.close().await;
}

#[tokio::test]
async fn dangling_references_of_a_database_in_use_are_found() {
    let folder = Folder::new();
    let file = folder.file("fair.db");
    let db = open(&file).await;
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute_batch("PRAGMA foreign_keys = OFF; INSERT INTO guest VALUES (7, 'nowhere', '1', 0)")
        .unwrap();
    let findings = check_online(&file, &[]).findings;
    assert_eq!(
        details(findings),
        ["references of guest: table=guest, row=7, parent=stall"]
    );
    db.close().await;
}

#[tokio::test]
async fn a_check_that_needs_a_long_read_is_left_to_the_full_check() {
    const ENDLESS: Invariant = Invariant {
        name: "counting ends",
        sql: "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number) SELECT n FROM number WHERE n < 0",
        scope: Scope::Whole,
    };
    let folder = Folder::new();
    let file = folder.file("fair.db");
    let db = open(&file).await;
    let found = check_online(&file, &[ENDLESS, PAID_ONCE]);
    assert_eq!(
        (found.findings, found.unverified),
        (vec![], vec![ENDLESS.name.to_owned()])
    );
    db.close().await;
}

#[tokio::test]
async fn a_full_check_of_a_database_in_use_reads_a_copy_that_it_deletes() {
    const COPIED: Invariant = Invariant {
        name: "the checked file is a copy",
        sql: "SELECT file FROM pragma_database_list WHERE name = 'main' AND file NOT LIKE '%.check.partial'",
        scope: Scope::Whole,
    };
    let folder = Folder::new();
    let file = folder.file("fair.db");
    let db = open(&file).await;
    let check = || admin::check_full(&file, &FAIR, &[COPIED, STALLS_COUNT], &mut |_| {}).unwrap();
    assert_eq!((check().findings, check().unverified), (vec![], vec![]));
    assert_eq!(folder.files(), ["fair.db", "fair.db-shm", "fair.db-wal"]);
    db.close().await;

    // A backup that nobody uses is checked in place: it needs no room for a copy.
    let found = details(check().findings);
    assert!(found.len() == 1 && found[0].contains("fair.db"), "{found:?}");
    assert_eq!(folder.files(), ["fair.db"]);
}
