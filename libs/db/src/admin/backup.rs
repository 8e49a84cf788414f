//! Copying a database out of a running service, and back in while it is stopped.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{Error, check};
use crate::{OpenError, Schema, open, restored};

/// Copies the database `from` to the new file `to`: one moment's state, while the service goes on reading and writing.
///
/// The copy is checked, and is a single file without a log. An existing `to` is refused.
pub fn backup(from: &Path, to: &Path) -> Result<(), Error> {
    if to.exists() {
        return Err(Error::Exists(to.to_owned()));
    }
    let copy = Partial::beside(to)?;
    copy_database(from, &copy.path)?;
    copy.publish(to)
}

/// Puts the database `backup` in the place of `to`, after checking that it is sound, belongs to this service and is not
/// newer than this program. It is [marked](crate::restored) as put back.
///
/// An existing `to` is replaced only by `force`, and only when no process has it open.
pub fn restore(backup: &Path, to: &Path, schema: &Schema, force: bool) -> Result<(), Error> {
    if to.exists() && !force {
        return Err(Error::Exists(to.to_owned()));
    }
    let copy = Partial::beside(to)?;
    let conn = copy_database(backup, &copy.path)?;
    if open::recognise(&conn, backup, schema)? == 0 {
        // An empty file may become anybody's database, but it is nobody's backup.
        return Err(OpenError::Foreign {
            path: backup.to_owned(),
            service: schema.service,
        }
        .into());
    }
    // In the same step as the database itself: it is never there unmarked.
    restored::mark_in(&conn).map_err(Error::sql(to))?;
    drop(conn);
    // Held until the new file is in place: nobody opens the old one in between.
    let _lock = if to.exists() { lock_alone(to)? } else { None };
    for suffix in ["-wal", "-shm", "-journal"] {
        // A log that outlives its database would be replayed into the new one.
        remove_if_there(&open::beside(to, suffix))?;
    }
    copy.publish(to)
}

/// Copies page by page within one read transaction, which blocks no writer, and checks the result.
pub(super) fn copy_database(from: &Path, to: &Path) -> Result<Connection, Error> {
    if !from.is_file() {
        return Err(Error::Missing(from.to_owned()));
    }
    let source = open::connect(from, OpenFlags::empty()).map_err(Error::sql(from))?;
    let mut copy = open::connect(to, OpenFlags::SQLITE_OPEN_CREATE).map_err(Error::sql(to))?;
    copy_pages(&source, &mut copy).map_err(Error::sql(from))?;
    // The header came along and asks for a log; a backup is one file.
    copy.pragma_update(None, "journal_mode", "DELETE")
        .map_err(Error::sql(to))?;
    let findings = check::integrity(&copy).map_err(|source| match source.sqlite_error_code() {
        // So damaged that not even the check gets to its end.
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

fn copy_pages(source: &Connection, copy: &mut Connection) -> rusqlite::Result<()> {
    let backup = Backup::new(source, copy)?;
    // All at once: in steps, every write in between would start it over.
    loop {
        match backup.step(-1)? {
            StepResult::Done => return Ok(()),
            // Each step has itself waited for the lock; a writer holds it for milliseconds.
            _ => std::thread::yield_now(),
        }
    }
}

/// Makes sure that no process has the database open, and keeps it so while the connection lives.
///
/// `None` if it is not a database any more: the very reason for a restore.
fn lock_alone(path: &Path) -> Result<Option<Connection>, Error> {
    let lock = || {
        let conn = open::connect(path, OpenFlags::empty())?;
        conn.busy_timeout(Duration::ZERO)?;
        // Before the first access: then SQLite wants the file to itself to open its log at all.
        conn.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        // Folds the log into the old file, so that it is whole until it is replaced.
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

/// A file in the making. It gets its name only when it is complete, and goes away if it never is.
pub(super) struct Partial {
    pub(super) path: PathBuf,
}

impl Partial {
    pub(super) fn beside(target: &Path) -> Result<Self, Error> {
        Self::at(open::beside(target, ".partial"))
    }

    pub(super) fn at(path: PathBuf) -> Result<Self, Error> {
        let partial = Self { path };
        // Left over from one that was killed.
        partial.clear()?;
        Ok(partial)
    }

    /// Moves it to its place, in an order that a power failure respects.
    pub(super) fn publish(self, target: &Path) -> Result<(), Error> {
        let sync = |path: &Path| {
            File::open(path)
                .and_then(|file| file.sync_all())
                .map_err(Error::io(path))
        };
        sync(&self.path)?;
        fs::rename(&self.path, target).map_err(Error::io(target))?;
        sync(match target.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        })
    }

    fn clear(&self) -> Result<(), Error> {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            remove_if_there(&open::beside(&self.path, suffix))?;
        }
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Err(error) = self.clear() {
            tracing::warn!(%error, "an unfinished copy is left behind");
        }
    }
}

fn remove_if_there(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path)(error)),
        _ => Ok(()),
    }
}
