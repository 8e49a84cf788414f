//! What can go wrong with a statement, by what the caller can do about it.

use std::cell::RefCell;
use std::sync::Arc;

use rusqlite::{ErrorCode, ffi};

/// Why a read or a write has no result. After any of these, nothing of that write was saved.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The storage cannot do it now: full, broken, read-only, or locked by another process. Later it may.
    #[error("the storage is unavailable: {reason}")]
    Unavailable {
        /// What SQLite, the disk or the pool said.
        reason: String,
    },
    /// SQLite refused the statement: a violated constraint or a mistake in the program.
    #[error("the database refused: {0}")]
    Sql(Arc<rusqlite::Error>),
    /// [`Db::close`](crate::Db::close) came first.
    #[error("the database is closed")]
    Closed,
    /// The command or query panicked; it was undone.
    #[error("a database command panicked and was undone")]
    Panicked,
}

impl Error {
    /// Whether the same call may succeed later, unchanged.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Closed)
    }

    /// Which kind of constraint was violated, if that is what went wrong.
    pub fn constraint(&self) -> Option<Constraint> {
        match self {
            Self::Sql(error) => constraint(error),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        if storage_failed(&error) {
            let reason = error.to_string();
            outage::note(&reason);
            Self::Unavailable { reason }
        } else {
            Self::Sql(Arc::new(error))
        }
    }
}

/// Whether it is the storage that failed, rather than the statement (<https://sqlite.org/rescode.html>).
fn storage_failed(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code().is_some_and(|code| {
        matches!(
            code,
            ErrorCode::CannotOpen
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::NotADatabase
                | ErrorCode::OperationInterrupted
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
        )
    })
}

/// A kind of constraint that a statement can violate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// `UNIQUE`, a unique index or a primary key: somebody else was first.
    Unique,
    /// `CHECK`.
    Check,
    /// `REFERENCES`.
    ForeignKey,
    /// `NOT NULL`, the type of a `STRICT` column, a trigger: a mistake in the program.
    Other,
}

/// Which kind of constraint `error` is about, if it is about one.
pub fn constraint(error: &rusqlite::Error) -> Option<Constraint> {
    let failure = error
        .sqlite_error()
        .filter(|failure| failure.code == ErrorCode::ConstraintViolation)?;
    Some(match failure.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => {
            Constraint::Unique
        }
        ffi::SQLITE_CONSTRAINT_CHECK => Constraint::Check,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Constraint::ForeignKey,
        _ => Constraint::Other,
    })
}

/// Why the storage last failed on this thread.
///
/// SQLite may undo a whole transaction within one statement (disk full, I/O error). The writer sees that it is gone,
/// but the cause is inside the command's own error type; this note carries it past.
pub(crate) mod outage {
    use super::RefCell;

    thread_local! {
        static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
    }

    pub(super) fn note(reason: &str) {
        LAST.with_borrow_mut(|last| *last = Some(reason.to_owned()));
    }

    pub(crate) fn take() -> Option<String> {
        LAST.take()
    }
}
