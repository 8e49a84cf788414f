//! The statements that this process executes: for tests, which verify the plan of each.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

/// The statements, once they are recorded.
static RECORDED: OnceLock<Mutex<BTreeSet<String>>> = OnceLock::new();

/// Records every statement that connections execute which are opened from now on, of all databases of this process. Neither
/// migrations nor what `admin` does is recorded.
pub fn record_statements() {
    RECORDED.get_or_init(Mutex::default);
}

/// Returns the statements that were recorded, with their parameters unbound.
pub fn recorded_statements() -> BTreeSet<String> {
    RECORDED
        .get()
        .map(|recorded| lock(recorded).clone())
        .unwrap_or_default()
}

/// Records the statements of a connection, if [`record_statements`] was called.
pub(crate) fn trace(conn: &Connection) {
    if RECORDED.get().is_some() {
        conn.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(record));
    }
}

fn record(event: TraceEvent<'_>) {
    // The second field is the text, too, but a comment for the statements of triggers: their plan belongs to the statement
    // that fires them.
    if let (TraceEvent::Stmt(statement, text), Some(recorded)) = (event, RECORDED.get())
        && !text.starts_with("--")
    {
        let sql = statement.sql();
        let mut recorded = lock(recorded);
        if !recorded.contains(sql.as_ref()) {
            recorded.insert(sql.into_owned());
        }
    }
}

fn lock(recorded: &Mutex<BTreeSet<String>>) -> MutexGuard<'_, BTreeSet<String>> {
    recorded.lock().unwrap_or_else(PoisonError::into_inner)
}
