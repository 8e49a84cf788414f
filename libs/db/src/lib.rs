//! SQLite, one database per service.
//!
//! * [`Db::read`] runs a query on one of a few read-only connections, off the async threads.
//! * [`Db::write`] runs a command on the one writing connection. Commands that wait at the same time share a commit,
//!   each in a savepoint of its own, and are answered only once that commit is on the disk (WAL, `synchronous=FULL`).
//! * [`Db::open`] creates the file, migrates it forward, and refuses one that is newer or belongs to another service.
//! * [`columns!`] declares the columns of a table once; [`RowReader`] reads them by position.
//! * [`admin`] holds what an operator does: migrate, back up, restore, check.

pub mod admin;
mod columns;
mod error;
mod meters;
mod open;
mod reader;
pub mod restored;
mod tx;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use metrics::{MetricsRegistry, Samples};
use rusqlite::Connection;
use tokio::sync::watch;
use tokio::time::Instant;

pub use columns::{Columns, RowReader, read_row};
pub use error::{Constraint, Error, constraint};
pub use open::{OpenError, Schema};
pub use tx::Tx;
pub use writer::Health;

/// A service's database. Cheap to clone; all clones share one writer and one pool of readers.
///
/// Dropping the last clone lets the writer finish what was handed to it; [`close`](Db::close) waits for that.
#[derive(Clone, Debug)]
pub struct Db {
    path: Arc<Path>,
    readers: Arc<reader::Readers>,
    writer: writer::Handle,
}

impl Db {
    /// Opens the database at `path`, creating the file (not its folder) when it is missing, and migrates it to the
    /// newest version of `schema`.
    ///
    /// Blocks: the disk is read and written here. Call it before serving, or through `spawn_blocking`.
    pub fn open(path: &Path, schema: &Schema) -> Result<Self, OpenError> {
        let (writer, _) = open::migrated(path, schema)?;
        let writer = writer::start(schema.service, writer).map_err(|source| OpenError::Thread {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.into(),
            readers: Arc::new(reader::Readers::new(path)),
            writer,
        })
    }

    /// Runs `query` on a read-only connection, on a thread where blocking is welcome.
    ///
    /// The query sees one state of the database, however many statements it runs: it is inside a read transaction,
    /// so it cannot begin one itself. It waits for its turn while all readers are busy.
    pub async fn read<T, E, F>(&self, query: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.readers.read(query).await
    }

    /// Runs `command` on the writing connection and answers once its effects survive a power failure.
    ///
    /// When the command fails or panics, its own effects are undone and no other command's. When the commit fails,
    /// every command of that commit is undone and gets [`Error::Unavailable`], also one that had itself failed: it may
    /// have decided by what another had written.
    ///
    /// A command that was handed over runs, even if the caller stops waiting. Inside: no network, no waiting, no
    /// transaction statements (`BEGIN`, `COMMIT`, `ROLLBACK`); for a part that can be undone see [`Tx::attempt`].
    /// Foreign keys must not be `DEFERRABLE`: the commit is shared, and would fail for everybody.
    pub async fn write<T, E, F>(&self, command: F) -> Result<T, E>
    where
        F: FnOnce(&Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.writer.write(command).await
    }

    /// Runs `query` until it finds something: now, and again after each commit of this process, until `timeout`.
    ///
    /// No commit is missed between two runs. `Ok(None)` means that the time is over.
    pub async fn wait_for<T, E, F>(&self, timeout: Duration, query: F) -> Result<Option<T>, E>
    where
        F: Fn(&Connection) -> Result<Option<T>, E> + Clone + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let deadline = Instant::now() + timeout;
        let mut commits = self.commits();
        loop {
            // Seen before the query runs: a commit during the query wakes us again.
            commits.borrow_and_update();
            if let Some(found) = self.read(query.clone()).await? {
                return Ok(Some(found));
            }
            match tokio::time::timeout_at(deadline, commits.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Error::Closed.into()),
                Err(_) => return Ok(None),
            }
        }
    }

    /// Counts the commits since opening; changes after each one that kept something.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.writer.commits()
    }

    /// Whether the last attempt to save something succeeded, and if not, why: for readiness.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.writer.health()
    }

    /// Writes to the disk without changing anything, to learn whether storage that failed works again: it updates
    /// [`health`](Db::health).
    pub async fn probe(&self) -> Result<(), Error> {
        self.write(|tx| {
            // Setting the version that is already there dirties the first page, so the commit has something to save.
            let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
            tx.pragma_update(None, "user_version", version)?;
            Ok(())
        })
        .await
    }

    /// Tells `metrics` how long writes wait, how many share a commit, and how long that takes.
    pub fn register(&self, metrics: &MetricsRegistry) {
        self.writer.meters().register(metrics);
    }

    /// Reads how many wait, whether anything can be written, and how large the files are. Looks at two files' sizes,
    /// runs no query.
    pub fn collect_metrics(&self, samples: &mut Samples) {
        meters::collect_metrics(&self.path, &self.writer, &self.readers, samples);
    }

    /// Finishes the reads and writes under way, folds the write-ahead log into the database and closes all connections.
    ///
    /// Whatever comes later, through any clone, is answered with [`Error::Closed`].
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
