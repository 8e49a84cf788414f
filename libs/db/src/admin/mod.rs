//! What an operator does with a database: migrate, back up, restore, check. All of it blocks.

mod backup;
mod check;
mod rehearse;

use std::io;
use std::path::{Path, PathBuf};

pub use backup::{backup, restore};
pub use check::{Finding, Invariant, check};
pub use rehearse::{Rehearsal, Step, rehearse};

use crate::{OpenError, Schema, open};

/// Which way a migration went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MigrationReport {
    /// The schema version before; 0 for a new database.
    pub from: usize,
    /// The schema version now; unchanged where a newer release has migrated it.
    pub to: usize,
}

/// Creates the database at `path` if it is missing and brings it to the newest version.
pub fn migrate(path: &Path, schema: &Schema) -> Result<MigrationReport, OpenError> {
    let (_, from) = open::migrated(path, schema)?;
    Ok(MigrationReport {
        from,
        to: schema.version().max(from),
    })
}

/// Why an operator's command did nothing. Whatever was there before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not a database this service can use.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is nothing to read.
    #[error("there is no database at {path}", path = .0.display())]
    Missing(PathBuf),
    /// Something would be overwritten.
    #[error("{path} exists already; it was left alone", path = .0.display())]
    Exists(PathBuf),
    /// A process has it open.
    #[error("the database {path} is in use: stop the service first", path = .0.display())]
    InUse(PathBuf),
    /// A copy would not fit.
    #[error("{path} has room for {free} bytes, and the rehearsal may need {needed}: free some, or choose another place with --copy-to", path = .folder.display())]
    NoRoom {
        /// Where the copy was to be.
        folder: PathBuf,
        /// Bytes that are needed at most: the copy, and as much again for what the migrations write.
        needed: u64,
        /// Bytes that are free there.
        free: u64,
    },
    /// The copy does not pass SQLite's integrity check, so neither does the original.
    #[error("{path} is damaged: {findings}", path = .path.display())]
    Damaged {
        /// The database that was read.
        path: PathBuf,
        /// What is wrong, one finding a line.
        findings: String,
    },
    /// SQLite could not read or write it.
    #[error("{path}: {source}", path = .path.display())]
    Sql {
        /// The database it was about.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file system refused.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file it was about.
        path: PathBuf,
        /// What the system said.
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
