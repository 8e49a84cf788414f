//! One connection with the databases of all services attached read-only, and the record as a table.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, named_params};
use serde_json::Value;

use super::{StripeIntent, notification_checks, response_checks};
use crate::{
    DrillError,
    recording::{RecordLine, RecordedResponse, responses},
};

/// The services with a database.
pub const SERVICES: [&str; 6] = ["auth", "ticket", "order", "expiration", "payment", "notification"];

/// The paths of the databases.
#[derive(Clone, Debug, Default)]
pub struct DatabasePaths {
    /// The folder of all databases: `DATA/order/order.db` as with Nomad, or `DATA/order.db` as with the stack.
    pub data: Option<PathBuf>,
    /// The files of services that are not in the folder.
    pub others: Vec<(String, PathBuf)>,
}

impl DatabasePaths {
    pub(super) fn path_of(&self, service: &str) -> Result<PathBuf, DrillError> {
        if let Some((_, path)) = self.others.iter().find(|(name, _)| name == service) {
            return Ok(path.clone());
        }
        let data = self
            .data
            .as_ref()
            .ok_or_else(|| DrillError(format!("no path is given for the database of {service}")))?;
        let (own, name) = (data.join(service), format!("{service}.db"));
        let folder = if own.is_dir() { own } else { data.clone() };
        Ok(folder.join(name))
    }
}

/// Attaches all databases, and creates the tables and views of the checks. The connection cannot write to them.
pub(super) fn attach(paths: &DatabasePaths) -> Result<Connection, DrillError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(":memory:", flags).map_err(DrillError::new)?;
    conn.busy_timeout(std::time::Duration::from_secs(5))
        .map_err(DrillError::new)?;
    for service in SERVICES {
        let path = paths.path_of(service)?;
        let attached = conn.execute(
            &format!(r#"ATTACH :uri AS "{service}""#),
            named_params! {":uri": uri(&path)},
        );
        attached.map_err(|error| DrillError::file(&path, &error))?;
    }
    for tables in [response_checks::TABLES, notification_checks::CAUSES] {
        conn.execute_batch(tables).map_err(DrillError::new)?;
    }
    Ok(conn)
}

/// Returns a read-only URI of a file (<https://sqlite.org/uri.html>).
fn uri(path: &Path) -> String {
    let escaped = path
        .to_string_lossy()
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    format!("file:{escaped}?mode=ro")
}

/// Inserts the responses into the table `response`; each item of a list is a row. Returns the number of responses.
pub(super) fn insert_responses(conn: &Connection, lines: &[RecordLine]) -> rusqlite::Result<usize> {
    conn.execute_batch("BEGIN")?;
    let mut insert = conn.prepare(
        "INSERT INTO response (n, at, account, user_id, operation, service, key, request, status, fields, attempts)
         VALUES (:n, :at, :account, :user_id, :operation, :service, :key, :request, :status, :fields, :attempts)",
    )?;
    let mut insert_row = |number: usize, recorded: &RecordedResponse, operation: &str, fields: &Value| {
        insert.execute(named_params! {
            ":n": i64::try_from(number).unwrap_or(i64::MAX),
            ":at": recorded.at,
            ":account": recorded.account,
            ":user_id": recorded.user_id,
            ":operation": operation,
            ":service": recorded.operation.service(),
            ":key": recorded.key,
            ":request": recorded.request.to_string(),
            ":status": recorded.status,
            ":fields": fields.to_string(),
            ":attempts": recorded.attempts,
        })
    };
    let mut count = 0;
    for recorded in responses(lines) {
        count += usize::from(recorded.status.is_some());
        match recorded.response.get("items").and_then(Value::as_array) {
            Some(items) => {
                for item in items {
                    insert_row(count, recorded, recorded.operation.item_operation().name(), item)?;
                }
            }
            None => _ = insert_row(count, recorded, recorded.operation.name(), &recorded.response)?,
        }
    }
    conn.execute_batch("COMMIT; BEGIN")?;
    Ok(count)
}

/// Inserts the payment intents into the table `intent`.
pub(super) fn insert_intents(conn: &Connection, intents: &[StripeIntent]) -> rusqlite::Result<()> {
    let mut insert = conn.prepare(
        "INSERT INTO intent (id, status, received, currency, payment_id, order_id) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    for intent in intents {
        insert.execute((
            &intent.id,
            &intent.status,
            intent.received_amount,
            &intent.currency,
            &intent.payment_id,
            &intent.order_id,
        ))?;
    }
    Ok(())
}
