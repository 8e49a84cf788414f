//! The writing connection, while it is inside a transaction.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::Deref;

use rusqlite::Connection;

use crate::Error;
use crate::error::outage;

/// The database inside a command: a [`rusqlite::Connection`] in the transaction of
/// [`Db::write`](crate::Db::write).
#[derive(Debug)]
pub struct Tx {
    conn: Connection,
    /// The rows that the commands of the current group have announced; `None` where nothing waits for rows.
    announced: Option<RefCell<Vec<String>>>,
}

impl Tx {
    pub(crate) fn new(conn: Connection) -> Self {
        Self {
            conn,
            announced: Some(RefCell::default()),
        }
    }

    /// Announces that the command has written the row `key`, an id that is unique in the database. After the commit, callers
    /// of [`Db::wait_for_row`](crate::Db::wait_for_row) that wait for it continue.
    pub fn announce_row(&self, key: &impl Display) {
        if let Some(announced) = &self.announced {
            announced.borrow_mut().push(key.to_string());
        }
    }

    pub(crate) fn take_announced(&self) -> Vec<String> {
        self.announced.as_ref().map(RefCell::take).unwrap_or_default()
    }

    /// Opens a database in memory, outside any transaction: a model checker begins and rolls back transactions itself.
    #[cfg(feature = "model")]
    pub fn in_memory(schema: &crate::Schema) -> Result<Self, crate::OpenError> {
        let conn = crate::open::in_memory(schema)?;
        Ok(Self { conn, announced: None })
    }

    /// Runs `part` in a savepoint: if it fails, its effects are undone, and the command continues, for example to record
    /// the refusal. The outer `Result` is that of the savepoint, the inner one that of the part.
    pub fn attempt<T, E>(&self, part: impl FnOnce(&Self) -> Result<T, E>) -> Result<Result<T, E>, Error> {
        let savepoint = self.begin_savepoint("attempt")?;
        let outcome = part(self);
        self.end_savepoint(outcome.is_ok(), savepoint)?;
        Ok(outcome)
    }

    pub(crate) fn begin_savepoint(&self, name: &'static str) -> Result<Savepoint, Error> {
        self.execute_control(&format!("SAVEPOINT {name}"))?;
        Ok(Savepoint {
            name,
            announced: self.announced.as_ref().map_or(0, |announced| announced.borrow().len()),
        })
    }

    /// Ends a savepoint and keeps or undoes its effects. An error means that the whole transaction is lost.
    pub(crate) fn end_savepoint(&self, keep: bool, savepoint: Savepoint) -> Result<(), Error> {
        let Savepoint { name, announced } = savepoint;
        if self.is_autocommit() {
            // SQLite rolled the transaction back within a statement: https://sqlite.org/lang_transaction.html, section 3.
            let reason = outage::take().unwrap_or_else(|| "the transaction was ended from within".to_owned());
            return Err(Error::Unavailable { reason });
        }
        if !keep {
            if let Some(all) = &self.announced {
                all.borrow_mut().truncate(announced);
            }
            self.execute_control(&format!("ROLLBACK TO {name}"))?;
        }
        self.execute_control(&format!("RELEASE {name}"))
    }

    /// Runs a transaction control statement. It stays prepared.
    pub(crate) fn execute_control(&self, sql: &str) -> Result<(), Error> {
        self.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}

/// An open savepoint.
#[derive(Clone, Copy)]
pub(crate) struct Savepoint {
    name: &'static str,
    /// The number of rows that were announced before it.
    announced: usize,
}

impl Deref for Tx {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.conn
    }
}
