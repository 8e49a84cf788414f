//! The operator's commands on a database: migrate, rehearse, back up, restore, check. All of them block.

mod backup;
mod check;
mod partial_file;
mod rehearse;

use std::io;
use std::path::{Path, PathBuf};

pub use backup::{backup, restore};
pub use check::{CheckReport, Finding, Invariant, Part, Progress, Scope, Sums, check, check_full, check_online};
pub use rehearse::{Rehearsal, RehearsedMigration, rehearse};

use crate::{OpenError, Schema, open};

/// The versions before and after a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MigrationReport {
    /// The schema version before; 0 for a new database.
    pub from: usize,
    /// The schema version after; unchanged if a newer release has migrated the database.
    pub to: usize,
}

/// Creates the database at `path` if it is missing, and migrates it to the newest version.
pub fn migrate(path: &Path, schema: &Schema) -> Result<MigrationReport, OpenError> {
    let (_, from) = open::open_migrated(path, schema)?;
    Ok(MigrationReport {
        from,
        to: schema.version().max(from),
    })
}

/// An operator's command failed. No file was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The service cannot use the database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database does not exist.
    #[error("there is no database at {path}", path = .0.display())]
    Missing(PathBuf),
    /// The target exists.
    #[error("{path} exists already; it was left alone", path = .0.display())]
    Exists(PathBuf),
    /// Another process writes the file.
    #[error("another process writes {path}: wait for its end", path = .0.display())]
    BeingWritten(PathBuf),
    /// A process has the database open.
    #[error("the database {path} is in use: stop the service first", path = .0.display())]
    InUse(PathBuf),
    /// There is no room for the copy.
    #[error("{path} has room for {free} bytes, and the copy may need {needed}: free some, or choose another place if the command has --copy-to", path = .folder.display())]
    NoRoom {
        /// The folder of the copy.
        folder: PathBuf,
        /// The number of bytes that may be needed: for the copy and for the writes of the migrations.
        needed: u64,
        /// The number of free bytes.
        free: u64,
    },
    /// The copy fails SQLite's integrity check, so the original is damaged.
    #[error("{path} is damaged: {findings}", path = .path.display())]
    Damaged {
        /// The path of the database.
        path: PathBuf,
        /// The findings, one per line.
        findings: String,
    },
    /// SQLite failed to read or write.
    #[error("{path}: {source}", path = .path.display())]
    Sql {
        /// The path of the database.
        path: PathBuf,
        /// The error of SQLite.
        source: rusqlite::Error,
    },
    /// The file system returned an error.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The path of the file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}

impl Error {
    fn sql(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Sql { path, source }
    }

    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
