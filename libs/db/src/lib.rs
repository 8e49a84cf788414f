//! SQLite, one database per service.
//!
//! * [`Db::read`] runs a query of a request on one of a few read-only connections, on a blocking thread, for a limited
//!   time. [`Db::read_internal`] has connections of its own.
//! * [`Db::read_cache`] stores values that were read until a commit changes the database.
//! * [`Db::wait_for_row`] waits for a row that an event of another service will write.
//! * [`Db::write`] runs a command on the only writing connection. Commands that wait at the same time share a commit, each
//!   in its own savepoint. `write` returns once that commit is on the disk (WAL, `synchronous=FULL`).
//! * [`Db::open`] creates the file, migrates it forward, and refuses one that is newer or belongs to another service.
//! * [`columns!`] declares the columns of a table once; [`RowReader`] reads them by position.
//! * [`admin`] has the operator's commands: migrate, rehearse, back up, restore, check.

pub mod admin;
mod checkpointer;
mod columns;
mod constraints;
mod error;
mod generation;
mod hand_over;
mod log_reader;
mod named_parameters;
mod open;
mod query_plan;
mod read_cache;
mod reader;
pub mod restored;
mod row_waiters;
mod statements;
mod tx;
mod write_metrics;
mod writer;

use std::any::Any;
use std::fmt::Display;
use std::hash::Hash;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use metrics::{MetricsRegistry, Samples};
use rusqlite::Connection;
use tokio::sync::watch;
use tokio::time::Instant;

pub use columns::{Columns, RowReader, read_row};
pub use error::{Constraint, Error, constraint};
pub use hand_over::CommittedValues;
pub use named_parameters::NamedParameters;
pub use open::{OpenError, Schema};
pub use query_plan::{BoundedRead, UnboundedRead, query_plan, scans, unbounded_reads};
pub use read_cache::{CacheLimits, CacheMetrics, ReadCache};
pub use statements::{record_statements, recorded_statements};
pub use tx::Tx;
pub use writer::Health;

/// A service's database. Cheap to clone; clones share one writer and one pool of readers.
///
/// When the last clone is dropped, the writer finishes the queued commands; [`close`](Db::close) waits for that.
#[derive(Clone, Debug)]
pub struct Db {
    path: Arc<Path>,
    readers: Arc<reader::Readers>,
    internal_readers: Arc<reader::Readers>,
    waiters: Arc<row_waiters::RowWaiters>,
    writer: writer::WriterHandle,
}

impl Db {
    /// Opens the database at `path`, creates the file (not its folder) if it is missing, and migrates it to the newest
    /// version of `schema`.
    ///
    /// Blocks on disk access. Call it before serving, or through `spawn_blocking`.
    pub fn open(path: &Path, schema: &Schema) -> Result<Self, OpenError> {
        let (writer, _) = open::open_migrated(path, schema)?;
        open::prepare_commands(&writer).map_err(|error| OpenError::from_sqlite(path, error))?;
        let waiters = Arc::<row_waiters::RowWaiters>::default();
        let thread_error = |source| OpenError::Thread {
            path: path.to_owned(),
            source,
        };
        let checkpointer = checkpointer::start(schema.service, path).map_err(thread_error)?;
        let writer = writer::start(schema.service, writer, checkpointer, Arc::clone(&waiters)).map_err(thread_error)?;
        Ok(Self {
            path: path.into(),
            readers: Arc::new(reader::Readers::new(path, reader::REQUEST_LIMITS)),
            internal_readers: Arc::new(reader::Readers::new(path, reader::INTERNAL_LIMITS)),
            waiters,
            writer,
        })
    }

    /// Runs a query of a request on a read-only connection, on a blocking thread.
    ///
    /// The query sees one state of the database, however many statements it runs: it is inside a read transaction, so it
    /// cannot begin one itself. It waits up to two seconds for a connection and may run for two seconds; then the result is
    /// [`Error::Unavailable`] or [`Error::TimedOut`].
    pub async fn read<T, E, F>(&self, query: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.readers.read(query).await
    }

    /// Creates a cache of values that are read by key. `cost` is the size of a key and its value in bytes; in metrics the cache
    /// is called `name`.
    pub fn read_cache<K, V>(
        &self,
        name: &'static str,
        limits: CacheLimits,
        cost: fn(&K, &V) -> usize,
        metrics: &CacheMetrics,
    ) -> ReadCache<K, V>
    where
        K: Clone + Eq + Hash + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        let (readers, generation) = (Arc::clone(&self.readers), self.writer.generation().clone());
        ReadCache::new(readers, generation, limits, cost, name, metrics)
    }

    /// Runs a query of the service itself: of its relay, jobs and metrics. As [`read`](Db::read), on connections that no
    /// request uses, for up to 30 seconds.
    pub async fn read_internal<T, E, F>(&self, query: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.internal_readers.read(query).await
    }

    /// Runs `command` on the writing connection and returns once its effects survive a power failure.
    ///
    /// When the command fails or panics, its own effects are undone and no other command's. When the commit fails,
    /// every command of that commit is undone and gets [`Error::Unavailable`], also one that had itself failed: it may
    /// have decided by what another had written.
    ///
    /// A queued command runs even if the caller is cancelled. A command must not use the network, wait, or run transaction
    /// statements (`BEGIN`, `COMMIT`, `ROLLBACK`); for a part that can be undone see [`Tx::attempt`]. Foreign keys must not
    /// be `DEFERRABLE`: the commit is shared, so a violation would fail all commands in it.
    pub async fn write<T, E, F>(&self, command: F) -> Result<T, E>
    where
        F: FnOnce(&Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.writer.write(command).await
    }

    /// Waits until `exists` holds, or until a command that [announces](Tx::announce_row) the row `key` is committed.
    /// Returns false after `timeout`.
    ///
    /// `exists` runs once. A commit wakes only the callers that wait for one of its rows. If too many callers wait, on
    /// behalf of the same `client` or of all, it does not wait.
    pub async fn wait_for_row<E, F>(
        &self,
        client: &impl Display,
        key: &impl Display,
        timeout: Duration,
        exists: F,
    ) -> Result<bool, E>
    where
        F: FnOnce(&Connection) -> Result<bool, E> + Send + 'static,
        E: From<Error> + Send + 'static,
    {
        // Added before the query runs: a commit during the query is not missed.
        let waiter = self.waiters.add(client.to_string(), key.to_string());
        if self.read(exists).await? {
            return Ok(true);
        }
        let Some(mut waiter) = waiter else {
            return Ok(false);
        };
        match tokio::time::timeout(timeout, waiter.written()).await {
            Ok(true) => Ok(true),
            Ok(false) => Err(Error::Closed.into()),
            Err(_) => Ok(false),
        }
    }

    /// Returns whether a commit of this process has announced the row `key` lately. If not, the row may exist all the same.
    pub fn was_announced(&self, key: &impl Display) -> bool {
        self.waiters.was_announced(&key.to_string())
    }

    /// Runs `query` until it returns a value: now, and again after each commit of this process, until `timeout`.
    ///
    /// For the only caller that waits, such as a test: the cost grows with callers and commits. Requests use
    /// [`wait_for_row`](Db::wait_for_row). Returns `Ok(None)` after the timeout.
    pub async fn wait_for<T, E, F>(&self, timeout: Duration, query: F) -> Result<Option<T>, E>
    where
        F: Fn(&Connection) -> Result<Option<T>, E> + Clone + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let deadline = Instant::now() + timeout;
        let mut commits = self.commits();
        loop {
            // Marked before the query runs: a commit during the query runs it again.
            commits.borrow_and_update();
            if let Some(found) = self.read_internal(query.clone()).await? {
                return Ok(Some(found));
            }
            match tokio::time::timeout_at(deadline, commits.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Error::Closed.into()),
                Err(_) => return Ok(None),
            }
        }
    }

    /// Returns the number of commits with changes since opening. A command that changes nothing wakes nobody, so a worker that
    /// runs commands after each commit comes to rest.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.writer.commits()
    }

    /// Returns the receiver of the values of a type that commands [hand over](Tx::hand_over). There is one at most.
    pub fn committed_values<T: Any>(&self) -> CommittedValues<T> {
        self.writer.hand_over().receiver()
    }

    /// Returns whether the last attempt to commit effects succeeded, and if not, why: for readiness.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.writer.health()
    }

    /// Writes to the disk without changing data, to detect that storage works again. Updates [`health`](Db::health).
    pub async fn probe(&self) -> Result<(), Error> {
        self.write(|tx| {
            // Setting the same version dirties the first page, so the commit writes to the disk.
            let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
            tx.pragma_update(None, "user_version", version)?;
            Ok(())
        })
        .await
    }

    /// Registers the metrics of writes (waiting times, commands per commit, durations) and of reads.
    pub fn register(&self, metrics: &MetricsRegistry) {
        self.writer.metrics().register(metrics);
        metrics.register(
            "ticketing_db_read_timeouts_total",
            "Reads of requests that found no connection in time, or ran too long",
            self.readers.timeouts().clone(),
        );
    }

    /// Collects the length of the queue, whether the database is writable, and the sizes of its files. Runs no query.
    pub fn collect_metrics(&self, samples: &mut Samples) {
        write_metrics::collect_metrics(&self.path, &self.writer, &self.readers, &self.waiters, samples);
    }

    /// Finishes the running reads and the queued writes, checkpoints the write-ahead log, and closes all connections.
    ///
    /// Later calls through any clone return [`Error::Closed`].
    pub async fn close(&self) {
        self.readers.close().await;
        self.internal_readers.close().await;
        self.writer.close().await;
    }
}
