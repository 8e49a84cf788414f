//! The errors of statements, by what the caller can do about them.

use std::cell::RefCell;
use std::sync::Arc;

use rusqlite::{ErrorCode, ffi};

/// A read or a write failed. Nothing of that write was saved.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The storage failed: full, broken, read-only, or locked by another process. The call may succeed later.
    #[error("the storage is unavailable: {reason}")]
    Unavailable {
        /// The message of SQLite or of the pool.
        reason: String,
    },
    /// SQLite refused the statement: a violated constraint or a programming error.
    #[error("the database refused: {0}")]
    Sql(Arc<rusqlite::Error>),
    /// A read ran longer than it may, and was interrupted. The call may succeed later.
    #[error("the query exceeded its time limit and was interrupted")]
    TimedOut,
    /// The database was closed by [`Db::close`](crate::Db::close).
    #[error("the database is closed")]
    Closed,
    /// The command or query panicked; it was undone.
    #[error("a database command panicked and was undone")]
    Panicked,
}

impl Error {
    /// Whether the same call may succeed later, unchanged.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::TimedOut | Self::Closed)
    }

    /// Returns the kind of the violated constraint, if there is one.
    pub fn constraint(&self) -> Option<Constraint> {
        match self {
            Self::Sql(error) => constraint(error),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) {
            // Only the time limit of a read interrupts a statement.
            Self::TimedOut
        } else if storage_failed(&error) {
            let reason = error.to_string();
            outage::record(&reason);
            Self::Unavailable { reason }
        } else {
            Self::Sql(Arc::new(error))
        }
    }
}

/// Whether the storage failed, and not the statement (<https://sqlite.org/rescode.html>).
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
    /// `UNIQUE`, a unique index or a primary key.
    Unique,
    /// `CHECK`.
    Check,
    /// `REFERENCES`.
    ForeignKey,
    /// `NOT NULL`, the type of a `STRICT` column, a trigger: a programming error.
    Other,
}

/// Returns the kind of the violated constraint, if there is one.
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

/// The last failure of the storage on this thread.
///
/// SQLite may roll back a whole transaction within one statement (disk full, I/O error). The writer detects that, but the
/// cause is inside the command's error type. This record passes it on.
pub(crate) mod outage {
    use super::RefCell;

    thread_local! {
        static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
    }

    pub(super) fn record(reason: &str) {
        LAST.with_borrow_mut(|last| *last = Some(reason.to_owned()));
    }

    pub(crate) fn take() -> Option<String> {
        LAST.take()
    }
}
