//! The writing connection, while it is inside a transaction.

use std::any::Any;
use std::cell::RefCell;
use std::fmt::{self, Display};
use std::ops::Deref;

use rusqlite::Connection;

use crate::Error;
use crate::error::outage;
use crate::hand_over::HandedOver;

/// The database inside a command: a [`rusqlite::Connection`] in the transaction of
/// [`Db::write`](crate::Db::write).
pub struct Tx {
    conn: Connection,
    /// The rows that the commands of the current group have announced; `None` where nothing waits for rows.
    announced: Option<RefCell<Vec<String>>>,
    /// What the commands of the current group undo in memory if their effects are undone in the database.
    undo: RefCell<Vec<Undo>>,
    /// The values that the commands of the current group have handed over; `None` where nothing receives them.
    handed_over: Option<RefCell<Vec<HandedOver>>>,
}

/// Undoes in memory what a command has done there.
type Undo = Box<dyn FnOnce() + Send>;

impl Tx {
    pub(crate) fn new(conn: Connection) -> Self {
        Self {
            conn,
            announced: Some(RefCell::default()),
            undo: RefCell::default(),
            handed_over: Some(RefCell::default()),
        }
    }

    /// Announces that the command has written the row `key`, an id that is unique in the database. After the commit, callers
    /// of [`Db::wait_for_row`](crate::Db::wait_for_row) that wait for it continue.
    pub fn announce_row(&self, key: &impl Display) {
        if let Some(announced) = &self.announced {
            announced.borrow_mut().push(key.to_string());
        }
    }

    /// Registers what undoes an effect of the command outside the database. It runs once if the effects of the command are
    /// undone: the command or its savepoint fails, it panics, or the commit fails. It must not panic, and not wait.
    pub fn on_undo(&self, undo: impl FnOnce() + Send + 'static) {
        self.undo.borrow_mut().push(Box::new(undo));
    }

    /// Ends the group of commands: drops what was registered by [`Self::on_undo`], or runs it, the latest first.
    pub(crate) fn end_undo(&self, is_committed: bool) {
        let registered = self.undo.take();
        if !is_committed {
            run_undo(registered);
        }
    }

    /// Hands over a value to the [receiver](crate::Db::committed_values) of its type, once the command is committed. `bytes`
    /// is its approximate size.
    pub fn hand_over(&self, value: impl Any + Send, bytes: usize) {
        if let Some(handed_over) = &self.handed_over {
            handed_over.borrow_mut().push((Box::new(value), bytes));
        }
    }

    pub(crate) fn take_handed_over(&self) -> Vec<HandedOver> {
        self.handed_over.as_ref().map(RefCell::take).unwrap_or_default()
    }

    pub(crate) fn take_announced(&self) -> Vec<String> {
        self.announced.as_ref().map(RefCell::take).unwrap_or_default()
    }

    /// Opens a database in memory, outside any transaction: a model checker begins and rolls back transactions itself.
    #[cfg(feature = "model")]
    pub fn in_memory(schema: &crate::Schema) -> Result<Self, crate::OpenError> {
        let conn = crate::open::in_memory(schema)?;
        Ok(Self {
            conn,
            announced: None,
            undo: RefCell::default(),
            handed_over: None,
        })
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
            announced: self.announced.as_ref().map_or(0, |all| all.borrow().len()),
            handed_over: self.handed_over.as_ref().map_or(0, |all| all.borrow().len()),
            undo: self.undo.borrow().len(),
        })
    }

    /// Ends a savepoint and keeps or undoes its effects. An error means that the whole transaction is lost.
    pub(crate) fn end_savepoint(&self, keep: bool, savepoint: Savepoint) -> Result<(), Error> {
        let Savepoint {
            name,
            announced,
            handed_over,
            undo,
        } = savepoint;
        if self.is_autocommit() {
            // SQLite rolled the transaction back within a statement: https://sqlite.org/lang_transaction.html, section 3.
            let reason = outage::take().unwrap_or_else(|| "the transaction was ended from within".to_owned());
            return Err(Error::Unavailable { reason });
        }
        if !keep {
            if let Some(all) = &self.announced {
                all.borrow_mut().truncate(announced);
            }
            if let Some(all) = &self.handed_over {
                all.borrow_mut().truncate(handed_over);
            }
            self.execute_control(&format!("ROLLBACK TO {name}"))?;
            let registered = self.undo.borrow_mut().split_off(undo);
            run_undo(registered);
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
    /// The number of effects outside the database that were registered before it.
    undo: usize,
    /// The number of values that were handed over before it.
    handed_over: usize,
}

fn run_undo(registered: Vec<Undo>) {
    for undo in registered.into_iter().rev() {
        undo();
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("conn", &self.conn).finish_non_exhaustive()
    }
}

impl Deref for Tx {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.conn
    }
}
