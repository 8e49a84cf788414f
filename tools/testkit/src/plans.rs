//! Verifies the plan of every statement that the tests of a service execute.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Mutex, PoisonError},
};

use chassis::Service;
use db::{BoundedRead, Db};
use values::Clock;

/// What the statements of the libraries read without a key.
const OF_LIBRARIES: [BoundedRead; 2] = [
    BoundedRead::in_statement(
        "FROM outbox",
        "outbox",
        "the relay reads a page of its first rows, and confirmed rows are deleted within a second",
    ),
    BoundedRead::of_table("restored", "one row at most, in a restored database"),
];

/// The statements that were verified, each with the name of its service.
static VERIFIED: Mutex<BTreeSet<(&str, String)>> = Mutex::new(BTreeSet::new());

/// The services that have published again.
static REPUBLISHED: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());

/// Executes the statements that publish the state of a service again, on a new database and once in this process: few tests
/// restore a service, and those of its command run it as a process, whose statements are not recorded.
pub(crate) async fn republish<S: Service>(clock: &Clock) {
    let is_first = REPUBLISHED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(S::NAME);
    if is_first {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("republished.db"), &S::SCHEMA).unwrap();
        bus::republish_all(&db, clock, S::republish).await.unwrap();
        db.close().await;
    }
}

/// Returns the statements that read a table which grows without a key, or sort rows that may become many: those that this
/// process has executed since the last call. A service names what is bounded in [`Service::BOUNDED_READS`].
pub(crate) fn unbounded_reads<S: Service>(database: &Path) -> Vec<String> {
    let mut verified = VERIFIED.lock().unwrap_or_else(PoisonError::into_inner);
    let new: BTreeSet<String> = db::recorded_statements()
        .into_iter()
        .filter(|statement| verified.insert((S::NAME, statement.clone())))
        .collect();
    drop(verified);
    let bounded = [&OF_LIBRARIES, S::BOUNDED_READS].concat();
    let found = db::unbounded_reads(database, &new, &bounded).unwrap();
    found.iter().map(|read| format!("{}: {read}", S::NAME)).collect()
}
