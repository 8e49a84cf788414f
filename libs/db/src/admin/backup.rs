//! Backups of a running service, and restores of a stopped one.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::partial_file::{PartialFile, folder_of, remove_if_exists};
use super::{Error, check};
use crate::{OpenError, Schema, open, restored};

/// Copies one state of the database `from` to the new file `to`, while the service reads and writes.
///
/// The copy is checked, and is a single file without a log. An existing `to` is refused. What a killed backup of the same
/// service has left in the folder is deleted.
pub fn backup(from: &Path, to: &Path) -> Result<(), Error> {
    if to.exists() {
        return Err(Error::Exists(to.to_owned()));
    }
    // The mark of the service, so that incomplete backups of others are left alone.
    let mark = application_id(from)?;
    PartialFile::delete_abandoned(folder_of(to), &mark)?;
    let copy = PartialFile::of_service(to, &mark)?;
    copy_database(from, &copy.path)?;
    copy.publish(to)
}

/// Replaces the database `to` by `backup`, after checking that it is undamaged, belongs to this service and is not newer
/// than this program. It is [marked](crate::restored) as restored.
///
/// An existing `to` is replaced only by `force`, and only when no process has it open.
pub fn restore(backup: &Path, to: &Path, schema: &Schema, force: bool) -> Result<(), Error> {
    if to.exists() && !force {
        return Err(Error::Exists(to.to_owned()));
    }
    let copy = PartialFile::beside(to)?;
    let conn = copy_database(backup, &copy.path)?;
    if open::identify(&conn, backup, schema)? == 0 {
        // An empty file can become a database, but it is no backup of one.
        return Err(OpenError::Foreign {
            path: backup.to_owned(),
            service: schema.service,
        }
        .into());
    }
    // Before it is moved to its place: a restored database is never unmarked.
    restored::mark_connection(&conn).map_err(Error::sql(to))?;
    drop(conn);
    // Held until the new file is in place, so that no process opens the old one in between.
    let _lock = if to.exists() { lock_exclusively(to)? } else { None };
    for suffix in ["-wal", "-shm", "-journal"] {
        // A log of the old database would be replayed into the new one.
        remove_if_exists(&open::sibling(to, suffix))?;
    }
    copy.publish(to)
}

/// Copies page by page within one read transaction, which blocks no writer, and checks the result.
pub(super) fn copy_database(from: &Path, to: &Path) -> Result<Connection, Error> {
    let copy = copy_pages_to(from, to)?;
    let findings = check::integrity(&copy).map_err(|source| match source.sqlite_error_code() {
        // So damaged that the check cannot finish.
        Some(ErrorCode::DatabaseCorrupt) => Error::Damaged {
            path: from.to_owned(),
            findings: source.to_string(),
        },
        _ => Error::sql(from)(source),
    })?;
    if findings.is_empty() {
        Ok(copy)
    } else {
        let findings = findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        Err(Error::Damaged {
            path: from.to_owned(),
            findings,
        })
    }
}

/// Copies page by page within one read transaction. The copy is a single file.
pub(super) fn copy_pages_to(from: &Path, to: &Path) -> Result<Connection, Error> {
    if !from.is_file() {
        return Err(Error::Missing(from.to_owned()));
    }
    let source = open::connect(from, OpenFlags::empty()).map_err(Error::sql(from))?;
    let mut copy = open::connect(to, OpenFlags::SQLITE_OPEN_CREATE).map_err(Error::sql(to))?;
    copy_pages(&source, &mut copy).map_err(Error::sql(from))?;
    // The copied header requires a log; a backup is one file.
    copy.pragma_update(None, "journal_mode", "DELETE")
        .map_err(Error::sql(to))?;
    Ok(copy)
}

fn application_id(path: &Path) -> Result<String, Error> {
    if !path.is_file() {
        return Err(Error::Missing(path.to_owned()));
    }
    let conn = open::connect(path, OpenFlags::empty()).map_err(Error::sql(path))?;
    let id = conn.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0));
    Ok(format!("{:08x}", id.map_err(Error::sql(path))?))
}

fn copy_pages(source: &Connection, copy: &mut Connection) -> rusqlite::Result<()> {
    let backup = Backup::new(source, copy)?;
    // In one step: every write between two steps would restart the backup.
    loop {
        match backup.step(-1)? {
            StepResult::Done => return Ok(()),
            // The step has waited for the lock, which a writer holds for milliseconds.
            _ => std::thread::yield_now(),
        }
    }
}

/// Locks a database that no process has open, for the lifetime of the connection.
///
/// Returns `None` if the file is no database any more, which is a reason for a restore.
fn lock_exclusively(path: &Path) -> Result<Option<Connection>, Error> {
    let lock = || {
        let conn = open::connect(path, OpenFlags::empty())?;
        conn.busy_timeout(Duration::ZERO)?;
        // Before the first access: then SQLite requires exclusive access to open the log.
        conn.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        // Checkpoints the log, so that the old file is complete until it is replaced.
        conn.pragma_update(None, "journal_mode", "DELETE")?;
        conn.execute_batch("BEGIN EXCLUSIVE")?;
        Ok(conn)
    };
    lock()
        .map(Some)
        .or_else(|error: rusqlite::Error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Err(Error::InUse(path.to_owned())),
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Ok(None),
            _ => Err(Error::Sql {
                path: path.to_owned(),
                source: error,
            }),
        })
}
