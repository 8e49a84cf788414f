//! Verifies the plan of every statement that the tests of a service execute.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Mutex, PoisonError},
};

use chassis::Service;
use db::BoundedRead;

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
