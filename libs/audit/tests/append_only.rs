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
    migrations: &[audit::SCHEMA_V1],
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
    assert_eq!(
        count(Filter {
            result: text("ok"),
            ..all()
        })
        .await,
        3
    );
}

#[test]
fn a_flood_of_refusals_is_a_bounded_number_of_rows() {
    let refusals = Refusals::default();
    for number in 0..5000 {
        refusals.count(entry("sign-in", &number.to_string()));
        refusals.count(entry("sign-in", "one"));
    }
    let counted = refusals.take();
    assert!(counted.len() <= 101, "{}", counted.len());
    assert_eq!(counted.iter().map(|(_, count)| count).sum::<u32>(), 10_000);
    assert!(refusals.take().is_empty());
}
