use std::{path::Path, time::Duration};

use db::Error;
use rusqlite::{Connection, OpenFlags};
use values::Timestamp;

use crate::{Entry, table};

/// How long to wait for a transaction of the service.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Appends what an operator does to the log in a database file, which a service may use, without migrating it. Returns false
/// if there is no such file, or if it is of a release without the log.
pub fn append_to_file(database: &Path, now: Timestamp, entry: &Entry) -> Result<bool, Error> {
    if !database.is_file() {
        return Ok(false);
    }
    let conn = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    let has_log = conn
        .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'audit'")?
        .exists([])?;
    if has_log {
        table::append_row(&conn, now, entry, 1)?;
    }
    Ok(has_log)
}
