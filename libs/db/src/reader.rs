//! The reading side: a few read-only connections, opened when first needed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags};
use scheduled_thread_pool::ScheduledThreadPool;
use tokio::sync::Semaphore;

use crate::{Error, open};

/// Connections at most: reads are short, and each connection has a page cache.
const READERS: u8 = 4;

/// How long opening one more connection may take.
const CHECKOUT: Duration = Duration::from_secs(5);

/// Idle connections are closed after this, so that an idle service is small.
const IDLE: Duration = Duration::from_mins(1);

type Pool = r2d2::Pool<SqliteConnectionManager>;

#[derive(Debug)]
pub(crate) struct Readers {
    /// One permit per connection: waiting for a turn happens here, where it costs no thread.
    turns: Arc<Semaphore>,
    /// `None` once closed.
    pool: Mutex<Option<Pool>>,
}

impl Readers {
    pub(crate) fn new(path: &Path) -> Self {
        let manager = SqliteConnectionManager::file(path)
            // Not a read-only open: reading a WAL database takes part in its shared memory.
            .with_flags(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .with_init(|conn| open::prepare_reader(conn));
        let pool = Pool::builder()
            .max_size(READERS.into())
            .min_idle(Some(0))
            .idle_timeout(Some(IDLE))
            .connection_timeout(CHECKOUT)
            .test_on_check_out(false)
            .thread_pool(Arc::new(
                ScheduledThreadPool::builder()
                    .num_threads(1)
                    .thread_name_pattern("db-readers")
                    .build(),
            ))
            // The last cause is part of the error of the read that was waiting.
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .build_unchecked(manager);
        Self {
            turns: Arc::new(Semaphore::new(READERS.into())),
            pool: Mutex::new(Some(pool)),
        }
    }

    pub(crate) async fn read<T, E, F>(&self, query: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_| Error::Closed)?;
        let pool = self.pool().ok_or(Error::Closed)?;
        let cause = trace::context();
        let span = tracing::Span::current();
        let work = move || {
            let _turn = turn;
            let query = || span.in_scope(|| snapshot(&pool, query));
            // Caught here and not by the runtime: it must not be reported twice.
            let outcome = catch_unwind(AssertUnwindSafe(|| cause.sync_scope(query)));
            drop(pool);
            outcome.unwrap_or_else(|_| Err(Error::Panicked.into()))
        };
        // The only way left to fail: the runtime is shutting down.
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    pub(crate) async fn close(&self) {
        // All turns are ours once the last reader is back.
        if let Ok(turns) = self.turns.acquire_many(READERS.into()).await {
            self.turns.close();
            drop(turns);
        }
        drop(self.pool.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// How many reads run now.
    pub(crate) fn busy(&self) -> usize {
        usize::from(READERS).saturating_sub(self.turns.available_permits())
    }

    fn pool(&self) -> Option<Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Runs `query` in a read transaction: several statements see the same state.
fn snapshot<T, E: From<Error>>(pool: &Pool, query: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
    let conn = pool.get().map_err(|error| Error::Unavailable {
        reason: error.to_string(),
    })?;
    let transaction = conn.unchecked_transaction().map_err(Error::from)?;
    query(&transaction)
}
