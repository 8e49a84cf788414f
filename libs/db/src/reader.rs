//! The readers: a few read-only connections, opened when first needed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics::Counter;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags};
use scheduled_thread_pool::ScheduledThreadPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Error, open, statements};

/// The limits of the reads that share connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadLimits {
    /// The maximum number of connections: reads are short, and each connection has a page cache.
    pub(crate) connections: u8,
    /// The time that a read may wait for a connection.
    pub(crate) wait: Duration,
    /// The time that a read may run. A read in progress keeps the write-ahead log from being reused.
    pub(crate) run: Duration,
}

/// Reads of requests.
pub(crate) const REQUEST_LIMITS: ReadLimits = ReadLimits {
    connections: 4,
    wait: Duration::from_secs(2),
    run: Duration::from_secs(2),
};

/// Reads of the service itself. They have connections of their own, so that requests cannot delay them.
pub(crate) const INTERNAL_LIMITS: ReadLimits = ReadLimits {
    connections: 2,
    wait: Duration::from_mins(1),
    run: Duration::from_secs(30),
};

/// The number of instructions of SQLite's virtual machine between two checks of the time: some tens of microseconds.
const INSTRUCTIONS_PER_CHECK: i32 = 2000;

/// The time that opening a connection may take.
const CHECKOUT_TIMEOUT: Duration = Duration::from_secs(5);

/// The time after which idle connections are closed, so that an idle service uses little memory.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

type Pool = r2d2::Pool<SqliteConnectionManager>;

#[derive(Debug)]
pub(crate) struct Readers {
    limits: ReadLimits,
    timeouts: Counter,
    /// One permit per connection, so that a query waits without occupying a thread.
    permits: Arc<Semaphore>,
    /// `None` once closed.
    pool: Mutex<Option<Pool>>,
}

impl Readers {
    pub(crate) fn new(path: &Path, limits: ReadLimits) -> Self {
        let manager = SqliteConnectionManager::file(path)
            // Not opened read-only: a reader of a WAL database writes to its shared memory.
            .with_flags(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .with_init(|conn| {
                open::prepare_reader(conn)?;
                statements::trace(conn);
                Ok(())
            });
        let pool = Pool::builder()
            .max_size(limits.connections.into())
            .min_idle(Some(0))
            .idle_timeout(Some(IDLE_TIMEOUT))
            .connection_timeout(CHECKOUT_TIMEOUT)
            .test_on_check_out(false)
            .thread_pool(Arc::new(
                ScheduledThreadPool::builder()
                    .num_threads(1)
                    .thread_name_pattern("db-readers")
                    .build(),
            ))
            // The last cause is part of the error of the waiting read.
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .build_unchecked(manager);
        Self {
            limits,
            timeouts: Counter::default(),
            permits: Arc::new(Semaphore::new(limits.connections.into())),
            pool: Mutex::new(Some(pool)),
        }
    }

    pub(crate) async fn read<T, E, F>(&self, query: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let permit = self.permit().await?;
        let (limit, timeouts) = (self.limits.run, self.timeouts.clone());
        let pool = self.pool().ok_or(Error::Closed)?;
        let span = tracing::Span::current();
        let work = move || {
            let _permit = permit;
            let query = || run_in_snapshot(&pool, limit, timeouts, query);
            // Caught here and not by the runtime, so that it is not reported twice.
            let outcome = catch_unwind(AssertUnwindSafe(|| span.in_scope(query)));
            drop(pool);
            outcome.unwrap_or_else(|_| Err(Error::Panicked.into()))
        };
        // Fails only if the runtime is shutting down.
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Error> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let Ok(permit) = tokio::time::timeout(self.limits.wait, permit).await else {
            self.timeouts.inc();
            return Err(Error::Unavailable {
                reason: "all connections for reading are busy".to_owned(),
            });
        };
        permit.map_err(|_| Error::Closed)
    }

    pub(crate) async fn close(&self) {
        // Waits for the running reads.
        if let Ok(permits) = self.permits.acquire_many(self.limits.connections.into()).await {
            self.permits.close();
            drop(permits);
        }
        drop(self.pool.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Returns the number of running reads.
    pub(crate) fn running(&self) -> usize {
        usize::from(self.limits.connections).saturating_sub(self.permits.available_permits())
    }

    /// Returns the number of reads that found no connection in time, or ran too long.
    pub(crate) const fn timeouts(&self) -> &Counter {
        &self.timeouts
    }

    fn pool(&self) -> Option<Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Runs `query` in a read transaction: several statements see the same state. It is interrupted after `limit`.
fn run_in_snapshot<T, E: From<Error>>(
    pool: &Pool,
    limit: Duration,
    timeouts: Counter,
    query: impl FnOnce(&Connection) -> Result<T, E>,
) -> Result<T, E> {
    let conn = pool.get().map_err(|error| Error::Unavailable {
        reason: error.to_string(),
    })?;
    let began = Instant::now();
    let mut timed_out = false;
    let is_over = move || {
        if !timed_out && began.elapsed() > limit {
            timed_out = true;
            timeouts.inc();
        }
        timed_out
    };
    conn.progress_handler(INSTRUCTIONS_PER_CHECK, Some(is_over))
        .map_err(Error::from)?;
    let transaction = conn.unchecked_transaction().map_err(Error::from)?;
    query(&transaction)
}
