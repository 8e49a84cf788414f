//! The log in a real database.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use audit::{Entry, Filter, Record, Refusals};
use db::{Db, Schema};
use tempfile::TempDir;
use values::Timestamp;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

const SCHEMA: Schema = Schema {
    service: "test",
    migrations: &[audit::SCHEMA_V1, audit::SCHEMA_V2],
};

fn open() -> (Db, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Db::open(&folder.path().join("test.db"), &SCHEMA).unwrap(), folder)
}

fn entry(action: &'static str, actor: &str) -> Entry {
    Entry {
        action,
        actor: Some(actor.to_owned()),
        subject: Some("session".to_owned()),
        network: Some("192.0.2.1/32".to_owned()),
        result: audit::OK,
    }
}

async fn append(db: &Db, at: Timestamp, entry: Entry) {
    db.write(move |tx| audit::append(tx, at, &entry)).await.unwrap();
}

async fn read(db: &Db, filter: Filter) -> Vec<Record> {
    let read = move |conn: &rusqlite::Connection| -> Result<_, db::Error> {
        let mut records = Vec::new();
        audit::read(conn, &filter, |record| records.push(record))?;
        Ok(records)
    };
    db.read_internal(read).await.unwrap()
}

async fn execute(db: &Db, sql: &'static str) -> Result<(), String> {
    let executed = db.write(move |tx| -> Result<(), db::Error> { Ok(tx.execute_batch(sql)?) });
    executed.await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn rows_are_neither_changed_nor_deleted() {
    let (db, _folder) = open();
    append(&db, NOW, entry("sign-in", "ada")).await;
    for sql in [
        "UPDATE audit SET actor = 'bob'",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT id, at, 'nothing', NULL, NULL, NULL, 'ok', 1 FROM audit",
    ] {
        let refused = execute(&db, sql).await.unwrap_err();
        assert!(refused.contains("append-only"), "{refused}");
    }
    assert_eq!(read(&db, Filter::default()).await.len(), 1);
}

#[tokio::test]
async fn rows_are_found_by_who_what_and_when() {
    let (db, _folder) = open();
    let later = NOW + Duration::from_mins(1);
    append(&db, NOW, entry("sign-in", "ada")).await;
    append(&db, later, entry("sign-out", "ada")).await;
    append(&db, later, entry("sign-in", "bob")).await;
    let count = async |filter| read(&db, filter).await.len();
    let text = |text: &str| Some(text.to_owned());
    let all = Filter::default;
    assert_eq!(
        count(Filter {
            who: text("ada"),
            ..all()
        })
        .await,
        2
    );
    assert_eq!(
        count(Filter {
            who: text("session"),
            ..all()
        })
        .await,
        3
    );
    assert_eq!(
        count(Filter {
            action: text("sign-in"),
            since: Some(later),
            ..all()
        })
        .await,
        1
    );
    assert_eq!(
        count(Filter {
            network: text("192.0.2.2/32"),
            ..all()
        })
        .await,
        0
    );
    append(&db, later, entry("keys-rotate", "operator:ada")).await;
    assert_eq!(
        count(Filter {
            who: text("operator"),
            ..all()
        })
        .await,
        1
    );
    assert_eq!(
        count(Filter {
            result: text("ok"),
            ..all()
        })
        .await,
        4
    );
}

#[tokio::test]
async fn what_is_repeated_too_often_is_counted_by_the_hour() {
    let (db, _folder) = open();
    // The start of an hour.
    let append_limited = async |number: u64, actor: &str| {
        let (at, entry) = (NOW + Duration::from_secs(number), entry("sign-in", actor));
        db.write(move |tx| audit::append_limited(tx, at, &entry)).await.unwrap();
    };
    for number in 0..100 {
        append_limited(number, "mallory").await;
    }
    append_limited(100, "ada").await;
    let found = read(&db, Filter::default()).await;
    assert_eq!(found.len(), 22);
    assert_eq!(found.iter().map(|record| record.count).sum::<u32>(), 101);
    let counted: Vec<_> = found.iter().filter(|record| record.count > 1).collect();
    assert_eq!((counted.len(), counted[0].count), (1, 80));
    assert_eq!(counted[0].actor.as_deref(), Some("mallory"));
    for sql in [
        "UPDATE audit_counts SET count = count - 1",
        "UPDATE audit_counts SET actor = 'bob'",
        "DELETE FROM audit_counts",
        "INSERT OR REPLACE INTO audit_counts SELECT hour, action, actor, result, 1 FROM audit_counts",
    ] {
        let refused = execute(&db, sql).await.unwrap_err();
        assert!(refused.contains("append-only"), "{refused}");
    }
    // An hour later it is recorded again.
    append_limited(3700, "mallory").await;
    assert_eq!(read(&db, Filter::default()).await.len(), 23);
}

#[tokio::test]
async fn all_rows_are_purged_after_the_retention_and_no_others() {
    let (db, _folder) = open();
    let retention = Duration::from_hours(24);
    let refusals = Refusals::default();
    let fill = |tx: &db::Tx| -> Result<(), db::Error> {
        for number in 0..2500 {
            audit::append(tx, NOW, &entry("sign-in", "ada"))?;
            audit::append_limited(tx, NOW, &entry("sign-out", &format!("{}", number % 3)))?;
        }
        audit::append(tx, NOW + Duration::from_millis(1), &entry("sign-in", "last"))
    };
    db.write(fill).await.unwrap();
    let count = async || read(&db, Filter::default()).await.len();
    let all = 2500 + 3 * 20 + 3 + 1;
    assert_eq!(count().await, all);
    audit::maintain(&db, &refusals, NOW + retention, retention).await;
    assert_eq!(count().await, all, "nothing is older");
    audit::maintain(&db, &refusals, NOW + retention + Duration::from_millis(1), retention).await;
    let left = read(&db, Filter::default()).await;
    let (rows, counts): (Vec<_>, Vec<_>) = left.iter().partition(|record| record.subject.is_some());
    assert_eq!((rows.len(), counts.len()), (1, 3), "the hour of the counts is not over");
    audit::maintain(&db, &refusals, NOW + retention + Duration::from_hours(1), retention).await;
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn refusals_are_written_with_their_number() {
    let (db, _folder) = open();
    let refusals = Refusals::default();
    for _ in 0..3 {
        refusals.count(entry("denied", "mallory"));
    }
    audit::write_counted(&db, &refusals, NOW).await;
    audit::write_counted(&db, &refusals, NOW).await;
    let found = read(&db, Filter::default()).await;
    assert_eq!((found.len(), found[0].count), (1, 3));
}

#[test]
fn a_flood_of_refusals_is_a_bounded_number_of_rows() {
    let refusals = Refusals::default();
    for number in 0..5000 {
        refusals.count(entry("sign-in", &number.to_string()));
        refusals.count(entry("sign-in", "one"));
    }
    let counted = refusals.take(NOW);
    assert!(counted.len() <= 201, "{}", counted.len());
    assert_eq!(counted.iter().map(|(_, count)| count).sum::<u32>(), 10_000);
    assert!(refusals.take(NOW).is_empty());
}

#[tokio::test]
async fn a_day_of_floods_is_a_bounded_number_of_rows_and_hides_no_other_user() {
    let (db, _folder) = open();
    let refusals = Refusals::default();
    let minute = |number: u64| NOW + Duration::from_secs(60 * number);
    for number in 0..1440 {
        for subject in 0..300 {
            refusals.count(Entry {
                subject: Some(format!("{number}/{subject}")),
                ..entry("denied", "mallory")
            });
        }
        refusals.count(entry("denied", &format!("user {}", number / 100)));
        audit::write_counted(&db, &refusals, minute(number)).await;
    }
    let found = read(&db, Filter::default()).await;
    let of = |actor: &str| {
        found
            .iter()
            .filter(|record| record.actor.as_deref() == Some(actor))
            .collect::<Vec<_>>()
    };
    let flood = of("mallory");
    assert_eq!(flood.len(), 200 + 24, "rows, and a count for each hour");
    assert_eq!(flood.iter().map(|record| record.count).sum::<u32>(), 1440 * 300);
    for user in 0..14 {
        let rows = of(&format!("user {user}"));
        assert!(rows.iter().any(|record| record.subject.is_some()), "{user}: {rows:?}");
    }
}
