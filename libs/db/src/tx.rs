//! The writing connection, while it is inside a transaction.

use std::ops::Deref;

use rusqlite::Connection;

use crate::Error;
use crate::error::outage;

/// The database inside a command: a [`rusqlite::Connection`] in the transaction of
/// [`Db::write`](crate::Db::write).
#[derive(Debug)]
pub struct Tx(Connection);

impl Tx {
    pub(crate) fn new(conn: Connection) -> Self {
        Self(conn)
    }

    /// Opens a database in memory, outside any transaction: a model checker begins and rolls back transactions itself.
    #[cfg(feature = "model")]
    pub fn in_memory(schema: &crate::Schema) -> Result<Self, crate::OpenError> {
        crate::open::in_memory(schema).map(Self)
    }

    /// Runs `part` in a savepoint: if it fails, its effects are undone, and the command continues, for example to record
    /// the refusal. The outer `Result` is that of the savepoint, the inner one that of the part.
    pub fn attempt<T, E>(&self, part: impl FnOnce(&Self) -> Result<T, E>) -> Result<Result<T, E>, Error> {
        self.execute_control("SAVEPOINT attempt")?;
        let outcome = part(self);
        self.end_savepoint(outcome.is_ok(), "attempt")?;
        Ok(outcome)
    }

    /// Ends a savepoint and keeps or undoes its effects. An error means that the whole transaction is lost.
    pub(crate) fn end_savepoint(&self, keep: bool, savepoint: &str) -> Result<(), Error> {
        if self.is_autocommit() {
            // SQLite rolled the transaction back within a statement: https://sqlite.org/lang_transaction.html, section 3.
            let reason = outage::take().unwrap_or_else(|| "the transaction was ended from within".to_owned());
            return Err(Error::Unavailable { reason });
        }
        if !keep {
            self.execute_control(&format!("ROLLBACK TO {savepoint}"))?;
        }
        self.execute_control(&format!("RELEASE {savepoint}"))
    }

    /// Runs a transaction control statement. It stays prepared.
    pub(crate) fn execute_control(&self, sql: &str) -> Result<(), Error> {
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
