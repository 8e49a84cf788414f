//! The checkpointer: a thread that moves the write-ahead log into the database, so that no commit does.
//!
//! While a read transaction is open, the log cannot be reused and grows; when the transaction ends, the whole log is moved at
//! once. The writer would do that within a commit, and every write would wait. Here it delays nobody: a passive checkpoint
//! takes no lock of the writer. The writer is locked out only while the rest is moved, and while the file is truncated: a
//! long one, or one that Litestream copies.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, InterruptHandle, OpenFlags, Transaction, TransactionBehavior};

use crate::log_reader::is_replicated;
use crate::open::{self, sibling};

/// The size of the log, in pages, from which on it is moved into the database: as SQLite's `wal_autocheckpoint`.
const MIN_LOG_PAGES: u64 = 1000;

/// The time between two checks of the log while nothing is committed: a reader may have ended.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The minimum time between two checks of the log because of commits.
const MIN_NOTIFY_INTERVAL: Duration = Duration::from_millis(10);

/// How long the writer may be locked out by an attempt to truncate the log.
const LOCK_TIMEOUT: Duration = Duration::from_millis(20);

/// The number of pages that may be left to move while the writer is locked out, unless more rounds than [`MAX_ROUNDS`] would
/// be needed to get there.
const MAX_REST: u64 = 100;
const MAX_ROUNDS: u32 = 8;

/// How much of the file of the log is cut off while the writer is locked out: some milliseconds. A file that is not longer is
/// kept, unless Litestream copies it.
const CUT_SIZE: u64 = 16 << 20;

/// The time between two cuts, in which the writer continues.
const PAUSE_BETWEEN_CUTS: Duration = Duration::from_millis(5);

/// The sizes of the parts of the log (<https://sqlite.org/fileformat2.html#the_write_ahead_log>).
const LOG_HEADER_SIZE: u64 = 32;
const FRAME_HEADER_SIZE: u64 = 24;

/// The running checkpointer, as the writer uses it.
pub(crate) struct CheckpointerHandle {
    thread: Option<JoinHandle<()>>,
    interrupt: InterruptHandle,
    is_stopping: Arc<AtomicBool>,
    notified_at: Instant,
}

/// Starts the checkpointer of the database at `path`, which is open and has a log.
pub(crate) fn start(service: &'static str, path: &Path) -> io::Result<CheckpointerHandle> {
    let conn = connect(path).map_err(io::Error::other)?;
    let page_size: u32 = conn
        .pragma_query_value(None, "page_size", |row| row.get(0))
        .map_err(io::Error::other)?;
    let interrupt = conn.get_interrupt_handle();
    let is_stopping = Arc::new(AtomicBool::new(false));
    let checkpointer = Checkpointer {
        log: sibling(path, "-wal"),
        path: path.to_owned(),
        frame_size: FRAME_HEADER_SIZE + u64::from(page_size),
        conn,
        is_stopping: Arc::clone(&is_stopping),
        has_failed: false,
    };
    let thread = thread::Builder::new()
        .name(format!("{service}-checkpoint"))
        .spawn(move || telemetry::service_span(service).in_scope(|| checkpointer.run()))?;
    Ok(CheckpointerHandle {
        thread: Some(thread),
        interrupt,
        is_stopping,
        notified_at: Instant::now(),
    })
}

impl CheckpointerHandle {
    /// Has the log checked soon, because of a commit.
    pub(crate) fn notify(&mut self) {
        if self.notified_at.elapsed() >= MIN_NOTIFY_INTERVAL
            && let Some(thread) = &self.thread
        {
            self.notified_at = Instant::now();
            thread.thread().unpark();
        }
    }

    /// Stops the checkpointer and closes its connection.
    pub(crate) fn stop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.is_stopping.store(true, Ordering::Release);
        self.interrupt.interrupt();
        thread.thread().unpark();
        if thread.join().is_err() {
            tracing::error!("checkpointer panicked");
        }
    }
}

struct Checkpointer {
    path: PathBuf,
    log: PathBuf,
    frame_size: u64,
    conn: Connection,
    is_stopping: Arc<AtomicBool>,
    /// The last attempt failed, and that was logged.
    has_failed: bool,
}

/// The state of the log after a checkpoint, in frames: a frame contains a page.
#[derive(Clone, Copy, PartialEq, Eq)]
struct LogState {
    /// The number of frames in the log.
    frames: u64,
    /// The number of frames that are in the database.
    moved: u64,
}

impl Checkpointer {
    fn run(mut self) {
        while !self.is_stopping.load(Ordering::Acquire) {
            match self.shorten_log() {
                Ok(()) => self.has_failed = false,
                Err(error) if is_busy(&error) || self.is_stopping.load(Ordering::Acquire) => {}
                Err(error) if !self.has_failed => {
                    self.has_failed = true;
                    // Nothing is lost: the log grows until the storage works again.
                    tracing::warn!(%error, "write-ahead log could not be moved into the database, will retry");
                }
                Err(_) => {}
            }
            thread::park_timeout(CHECK_INTERVAL);
        }
    }

    /// Moves a long log into the database as far as the open read transactions permit, and shortens its file.
    fn shorten_log(&self) -> rusqlite::Result<()> {
        if !self.conn.is_autocommit() {
            // A rollback failed before. The writer is locked out until it succeeds.
            self.conn.execute_batch("ROLLBACK")?;
        }
        let size = self.log_size();
        if size < self.size_of(MIN_LOG_PAGES) {
            return Ok(());
        }
        // The log is restarted, but its file is kept: the writer overwrites it.
        let keeps_file = size <= CUT_SIZE && !is_replicated(&self.conn)?;
        if keeps_file && self.is_log_short()? {
            return Ok(());
        }
        let Some(log) = self.move_log()? else {
            return Ok(());
        };
        if keeps_file {
            if log.moved == log.frames {
                checkpoint(&self.conn, "RESTART")?;
            }
            return Ok(());
        }
        let needed = if log.moved < log.frames {
            // A read transaction needs the log. It may have been restarted before by another process.
            self.size_of(log.frames)
        } else if self.log_size() <= CUT_SIZE {
            checkpoint(&self.conn, "TRUNCATE")?;
            return Ok(());
        } else {
            self.restart_log()?;
            0
        };
        if self.log_size() > needed + self.size_of(MIN_LOG_PAGES) {
            self.cut_log()?;
        }
        Ok(())
    }

    /// Whether little of the log is not in the database.
    fn is_log_short(&self) -> rusqlite::Result<bool> {
        let log = checkpoint(&self.conn, "NOOP")?;
        Ok(log.is_none_or(|log| log.frames.saturating_sub(log.moved) < MIN_LOG_PAGES))
    }

    /// Restarts a log that is in the database, without truncating its file: for a large one that takes long. The connection
    /// that writes the first frame could truncate it, so this connection, which has no `journal_size_limit`, writes one.
    fn restart_log(&self) -> rusqlite::Result<()> {
        if checkpoint(&self.conn, "RESTART")?.is_none() {
            return Ok(());
        }
        let tx = self.lock_out_writer()?;
        let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
        tx.pragma_update(None, "user_version", version)?;
        tx.commit()
    }

    /// Begins a transaction that locks the writer out. It is rolled back when it is dropped.
    fn lock_out_writer(&self) -> rusqlite::Result<Transaction<'_>> {
        Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate)
    }

    /// Moves the log into the database, and what was appended meanwhile, until little is left or a read transaction needs it.
    fn move_log(&self) -> rusqlite::Result<Option<LogState>> {
        let mut log = checkpoint(&self.conn, "PASSIVE")?;
        for _ in 0..MAX_ROUNDS {
            let Some(before) = log.filter(|log| log.moved == log.frames) else {
                break;
            };
            log = checkpoint(&self.conn, "PASSIVE")?;
            if log.is_some_and(|log| log.frames.saturating_sub(before.frames) < MAX_REST) {
                break;
            }
        }
        Ok(log)
    }

    /// Cuts off the unused end of the file of a log that was restarted, piece by piece.
    ///
    /// SQLite cuts it itself if the writer restarts the log, see `journal_size_limit`; but another process (Litestream) may
    /// have restarted it. As SQLite does, this holds the lock of the writer meanwhile, so that no frame is appended; nobody
    /// reads behind the last frame.
    fn cut_log(&self) -> rusqlite::Result<()> {
        let observer = connect(&self.path)?;
        while !self.is_stopping.load(Ordering::Acquire) {
            let tx = self.lock_out_writer()?;
            let log = checkpoint(&observer, "NOOP")?;
            // An empty log has no header of its own yet.
            let is_done = log.is_none_or(|log| log.frames == 0 || self.cut_piece(self.size_of(log.frames)));
            tx.rollback()?;
            if is_done {
                break;
            }
            thread::park_timeout(PAUSE_BETWEEN_CUTS);
        }
        Ok(())
    }

    /// Cuts off a piece of the file that is longer than `needed`. Returns whether it was the last one.
    fn cut_piece(&self, needed: u64) -> bool {
        let cut = OpenOptions::new().write(true).open(&self.log).and_then(|log| {
            let size = log.metadata()?.len();
            let shorter = size.saturating_sub(CUT_SIZE).max(needed);
            if shorter < size {
                log.set_len(shorter)?;
            }
            Ok(shorter == needed)
        });
        cut.unwrap_or_else(|error| {
            tracing::warn!(%error, "write-ahead log could not be shortened");
            true
        })
    }

    fn log_size(&self) -> u64 {
        fs::metadata(&self.log).map_or(0, |log| log.len())
    }

    /// Returns the size of a log of `frames`.
    const fn size_of(&self, frames: u64) -> u64 {
        LOG_HEADER_SIZE + frames * self.frame_size
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let conn = open::connect(path, OpenFlags::empty())?;
    open::prepare_checkpointer(&conn)?;
    conn.busy_timeout(LOCK_TIMEOUT)?;
    Ok(conn)
}

/// Runs a checkpoint (<https://sqlite.org/pragma.html#pragma_wal_checkpoint>). Returns `None` if another one runs, or if a
/// lock was not available.
fn checkpoint(conn: &Connection, mode: &str) -> rusqlite::Result<Option<LogState>> {
    conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        let is_busy: bool = row.get(0)?;
        let (frames, moved): (i64, i64) = (row.get(1)?, row.get(2)?);
        let state = u64::try_from(frames).ok().zip(u64::try_from(moved).ok());
        Ok(state
            .filter(|_| !is_busy)
            .map(|(frames, moved)| LogState { frames, moved }))
    })
}

/// Whether another connection had the lock. `DatabaseLocked` is a conflict within the own connection: its transaction is
/// open.
fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

#[cfg(test)]
mod tests;
