//! The SQLite connection.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::StripeError;

/// The version of the tables, stored as `PRAGMA user_version`.
const SCHEMA_VERSION: i64 = 2;

/// The reason for which a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is no database, or cannot be read or written.
    #[error("the database cannot be opened: {0}")]
    Unusable(#[from] rusqlite::Error),
    /// The file can be read, but not written.
    #[error("the database cannot be written: {0}")]
    Unwritable(String),
    /// The file was written by a newer version of the simulator.
    #[error("the database has version {found}, this program supports {known}: use the newer program")]
    Newer {
        /// The version in the file.
        found: i64,
        /// The newest version that this program supports.
        known: i64,
    },
}

/// The number of statements that stay prepared: all of them.
const STATEMENTS: usize = 64;

/// The one connection. A committed request survives that the process is killed. After a loss of power the file is sound and
/// may lack the last requests: a flush of the disk for each of the many transactions of a purchase would take most of its time.
/// Statement journals are in memory, not in files.
pub(crate) struct Database(Mutex<Connection>);

impl Database {
    /// Opens the file, or memory without one, and creates missing tables.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, OpenError> {
        let connection = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        connection
            .execute_batch(
                "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;",
            )?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if found > SCHEMA_VERSION {
            return Err(OpenError::Newer {
                found,
                known: SCHEMA_VERSION,
            });
        }
        connection.execute_batch(include_str!("schema.sql"))?;
        connection.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Runs `work` in one transaction; an error rolls it back.
    pub(crate) fn transaction<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StripeError>,
    ) -> Result<T, StripeError> {
        // A panic with the lock held has rolled its transaction back: the connection is still sound.
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }
}
