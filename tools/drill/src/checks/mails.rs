//! The mails of the notification service, to compare with those that arrived.

use rusqlite::{Connection, OpenFlags};

use super::DatabasePaths;
use crate::DrillError;

/// A mail in the database of the notification service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMail {
    /// Its id.
    pub id: String,
    /// Whether it was handed over to the server, or written to the folder.
    pub is_sent: bool,
}

/// Returns all mails.
pub fn stored_mails(paths: &DatabasePaths) -> Result<Vec<StoredMail>, DrillError> {
    let path = paths.path_of("notification")?;
    let read = || {
        let conn = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut query = conn.prepare("SELECT id, state = 'sent' FROM mail ORDER BY id")?;
        let mails = query.query_map([], |row| {
            Ok(StoredMail {
                id: row.get(0)?,
                is_sent: row.get(1)?,
            })
        })?;
        mails.collect::<rusqlite::Result<_>>()
    };
    read().map_err(|error| DrillError::file(&path, &error))
}
