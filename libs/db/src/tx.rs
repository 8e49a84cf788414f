//! The writing connection, while it is inside a transaction.

use std::ops::Deref;

use rusqlite::Connection;

use crate::Error;
use crate::error::outage;

/// A command's view of the database: all of [`rusqlite::Connection`], inside the transaction of
/// [`Db::write`](crate::Db::write).
#[derive(Debug)]
pub struct Tx(Connection);

impl Tx {
    pub(crate) fn new(conn: Connection) -> Self {
        Self(conn)
    }

    /// A database of its own in memory, outside any transaction: whoever explores what commands do begins and undoes
    /// them by itself.
    #[cfg(feature = "model")]
    pub fn in_memory(schema: &crate::Schema) -> Result<Self, crate::OpenError> {
        crate::open::in_memory(schema).map(Self)
    }

    /// Runs `part` so that its effects are undone if it fails, while the rest of the command stays: to record a
    /// refusal, say. The outer `Result` tells whether the database could do that, the inner one is the part's own.
    pub fn attempt<T, E>(&self, part: impl FnOnce(&Self) -> Result<T, E>) -> Result<Result<T, E>, Error> {
        self.step("SAVEPOINT attempt")?;
        let outcome = part(self);
        self.settle(outcome.is_ok(), "attempt")?;
        Ok(outcome)
    }

    /// Ends a savepoint, keeping or undoing what was done since. An error means that the whole transaction is lost.
    pub(crate) fn settle(&self, keep: bool, savepoint: &str) -> Result<(), Error> {
        if self.is_autocommit() {
            // SQLite undid everything within a statement: https://sqlite.org/lang_transaction.html, section 3.
            let reason = outage::take().unwrap_or_else(|| "the transaction was ended from within".to_owned());
            return Err(Error::Unavailable { reason });
        }
        if !keep {
            self.step(&format!("ROLLBACK TO {savepoint}"))?;
        }
        self.step(&format!("RELEASE {savepoint}"))
    }

    /// Runs a transaction statement; they recur, so they stay prepared.
    pub(crate) fn step(&self, sql: &str) -> Result<(), Error> {
        self.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

impl Deref for Tx {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}
