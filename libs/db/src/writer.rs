//! The writer: one thread owns the only writing connection and commits in groups.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use rusqlite::Connection;
use telemetry::{Span, SpanKind};
use tokio::sync::{mpsc, oneshot, watch};

use crate::checkpointer::CheckpointerHandle;
use crate::error::outage;
use crate::generation::Generation;
use crate::hand_over::HandOver;
use crate::log_reader::RestartPolicy;
use crate::row_waiters::RowWaiters;
use crate::write_metrics::WriteMetrics;
use crate::{Error, Tx};

/// The number of commands that may wait for the writer. Further callers wait until there is room.
const QUEUE_CAPACITY: usize = 1024;

/// The number of commands that share a commit at most, so that the first of them does not wait long.
const MAX_GROUP_SIZE: usize = 256;

/// Whether the last attempt to commit effects succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It succeeded, or there was none yet.
    Writable,
    /// It failed.
    Failing {
        /// The message of SQLite: `database or disk is full`.
        reason: String,
    },
}

/// Sends commands to the writer thread.
#[derive(Clone, Debug)]
pub(crate) struct WriterHandle {
    service: &'static str,
    metrics: WriteMetrics,
    generation: Generation,
    hand_over: Arc<HandOver>,
    queue: mpsc::Sender<Job>,
    commits: watch::Receiver<u64>,
    health: watch::Receiver<Health>,
}

/// Starts the writer thread on `conn`. It ends after [`WriterHandle::close`], or with the last [`WriterHandle`].
pub(crate) fn start(
    service: &'static str,
    conn: Connection,
    checkpointer: CheckpointerHandle,
    waiters: Arc<RowWaiters>,
) -> io::Result<WriterHandle> {
    let (queue, jobs) = mpsc::channel(QUEUE_CAPACITY);
    let (committed, commits) = watch::channel(0);
    let (health_sender, health) = watch::channel(Health::Writable);
    let metrics = WriteMetrics::default();
    let generation = Generation::default();
    let hand_over = Arc::<HandOver>::default();
    let writer = Writer {
        metrics: metrics.clone(),
        generation: generation.clone(),
        hand_over: Arc::clone(&hand_over),
        tx: Tx::new(conn),
        restart_policy: RestartPolicy::default(),
        jobs,
        health: health_sender,
        checkpointer,
        waiters,
        commits: committed,
    };
    thread::Builder::new()
        .name(format!("{service}-db"))
        .spawn(move || telemetry::service_span(service).in_scope(|| writer.run()))?;
    Ok(WriterHandle {
        service,
        metrics,
        generation,
        hand_over,
        queue,
        commits,
        health,
    })
}

impl WriterHandle {
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, receiver) = oneshot::channel();
        let span = self.start_span();
        let command = Box::new(QueuedCommand {
            work,
            queued_at: Instant::now(),
            span: span.to_tracing(),
            reply,
        });
        self.queue.send(Job::Write(command)).await.map_err(|_| Error::Closed)?;
        let outcome = receiver.await.unwrap_or(Err(Error::Closed));
        match &outcome {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => span.set("ticketing.outcome", "undone"),
            Err(error) => span.fail(error),
        }
        outcome?
    }

    /// Starts the span of a write (<https://opentelemetry.io/docs/specs/semconv/database/sql/>).
    fn start_span(&self) -> Span {
        let span = Span::inner(SpanKind::Client, format_args!("write {}", self.service));
        span.set("db.system.name", "sqlite");
        span.set("db.namespace", self.service);
        span.set("db.operation.name", "write");
        span
    }

    pub(crate) const fn metrics(&self) -> &WriteMetrics {
        &self.metrics
    }

    pub(crate) const fn generation(&self) -> &Generation {
        &self.generation
    }

    pub(crate) const fn hand_over(&self) -> &Arc<HandOver> {
        &self.hand_over
    }

    /// Returns the number of commands that wait.
    pub(crate) fn queue_length(&self) -> usize {
        self.queue.max_capacity().saturating_sub(self.queue.capacity())
    }

    pub(crate) fn commits(&self) -> watch::Receiver<u64> {
        let mut commits = self.commits.clone();
        commits.mark_unchanged();
        commits
    }

    pub(crate) fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    pub(crate) async fn close(&self) {
        // An error means that it is closed already. The writer drops its end of `commits` last.
        let _ = self.queue.send(Job::Close).await;
        let mut commits = self.commits();
        while commits.changed().await.is_ok() {}
    }
}

enum Job {
    Write(Box<dyn Command>),
    Close,
}

/// A command of any result type.
trait Command: Send {
    /// Returns how long the command has waited.
    fn wait_time(&self) -> Duration;
    /// Runs the command. The outcome contains the reply to send after the commit.
    fn run(self: Box<Self>, tx: &Tx) -> CommandOutcome;
    /// Replies with an error without running the command.
    fn reject(self: Box<Self>, error: Error);
}

struct CommandOutcome {
    /// Whether the effects are kept.
    keep: bool,
    reply: Reply,
}

/// Sends the result of the command to its caller, given the result of the commit.
type Reply = Box<dyn FnOnce(Result<(), Error>)>;

struct QueuedCommand<F, T, E> {
    work: F,
    queued_at: Instant,
    span: tracing::Span,
    reply: oneshot::Sender<Result<Result<T, E>, Error>>,
}

impl<F, T, E> Command for QueuedCommand<F, T, E>
where
    F: FnOnce(&Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    fn wait_time(&self) -> Duration {
        self.queued_at.elapsed()
    }

    fn run(self: Box<Self>, tx: &Tx) -> CommandOutcome {
        let Self { work, span, reply, .. } = *self;
        // The savepoint restores the database after a panic. The closure owns everything else that it touches.
        let outcome = catch_unwind(AssertUnwindSafe(|| span.in_scope(|| work(tx))));
        let outcome = outcome.map_err(|_| Error::Panicked);
        let keep = matches!(outcome, Ok(Ok(_)));
        // The caller may have been cancelled; the command counts all the same.
        CommandOutcome {
            keep,
            reply: Box::new(move |commit| drop(reply.send(commit.and(outcome)))),
        }
    }

    fn reject(self: Box<Self>, error: Error) {
        drop(self.reply.send(Err(error)));
    }
}

/// Fields are dropped in this order: `commits` last, because [`WriterHandle::close`] waits for it.
struct Writer {
    metrics: WriteMetrics,
    generation: Generation,
    hand_over: Arc<HandOver>,
    tx: Tx,
    restart_policy: RestartPolicy,
    jobs: mpsc::Receiver<Job>,
    health: watch::Sender<Health>,
    checkpointer: CheckpointerHandle,
    waiters: Arc<RowWaiters>,
    commits: watch::Sender<u64>,
}

impl Writer {
    fn run(mut self) {
        while let Some(first) = self.next_command() {
            self.commit_group(first);
        }
        self.checkpointer.stop();
        if let Err(error) = self.checkpoint() {
            // Nothing is lost: the next start reads the log.
            tracing::warn!(%error, "checkpoint of the write-ahead log failed");
        }
        self.waiters.close();
    }

    /// Runs one transaction: `first`, and the commands that are queued when it and each next one have run.
    fn commit_group(&mut self, first: Box<dyn Command>) {
        outage::take();
        let began = Instant::now();
        if let Err(error) = self.begin() {
            return self.reject_queued(first, &error);
        }
        let changes_before = self.tx.total_changes();
        let mut replies = Vec::new();
        let mut keep = false;
        let mut outcome = Ok(());
        let mut next = Some(first);
        while let Some(command) = next {
            match self.apply(command, &mut replies) {
                Ok(kept) => keep |= kept,
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
            next = if replies.len() < MAX_GROUP_SIZE {
                self.try_next_command()
            } else {
                None
            };
        }
        let commit_began = Instant::now();
        let outcome = outcome.and_then(|()| self.tx.execute_control("COMMIT"));
        // Changes that were undone are counted, too; that does no harm.
        let has_changes = outcome.is_ok() && keep && self.tx.total_changes() != changes_before;
        if has_changes {
            self.generation.advance();
        }
        self.metrics
            .observe_transaction(outcome.is_ok(), replies.len(), began.elapsed(), commit_began.elapsed());
        self.end_transaction(&outcome, keep);
        if has_changes {
            self.commits.send_modify(|count| *count += 1);
        }
        for reply in replies {
            reply(outcome.clone());
        }
        self.checkpointer.notify();
    }

    fn begin(&mut self) -> Result<(), Error> {
        if !self.tx.is_autocommit() {
            // An earlier rollback failed.
            self.tx.execute_control("ROLLBACK")?;
        }
        self.tx.execute_control("BEGIN IMMEDIATE")?;
        Ok(self.restart_policy.update(&self.tx)?)
    }

    /// Runs one command in its savepoint. Returns whether it has effects; an error means that the transaction is lost.
    fn apply(&self, command: Box<dyn Command>, replies: &mut Vec<Reply>) -> Result<bool, Error> {
        self.metrics.observe_wait(command.wait_time());
        let savepoint = match self.tx.begin_savepoint("command") {
            Ok(savepoint) => savepoint,
            Err(error) => {
                command.reject(error.clone());
                return Err(error);
            }
        };
        let CommandOutcome { keep, reply } = command.run(&self.tx);
        replies.push(reply);
        self.tx.end_savepoint(keep, savepoint)?;
        Ok(keep)
    }

    /// Rolls a failed transaction back, updates health, and hands over what was committed.
    fn end_transaction(&self, outcome: &Result<(), Error>, keep: bool) {
        if outcome.is_err()
            && !self.tx.is_autocommit()
            && let Err(error) = self.tx.execute_control("ROLLBACK")
        {
            tracing::error!(%error, "a failed transaction could not be rolled back");
        }
        let failure = match outcome {
            Err(error) => Some(failure_reason(error)),
            // A single command may have failed on the storage, and been undone.
            Ok(()) => outage::take(),
        };
        match failure {
            Some(reason) => self.set_failing(reason),
            None if keep => self.set_writable(),
            None => {}
        }
        self.tx.end_undo(outcome.is_ok());
        let (announced, handed_over) = (self.tx.take_announced(), self.tx.take_handed_over());
        if keep && outcome.is_ok() {
            self.waiters.wake(announced);
            self.hand_over.add(handed_over);
        }
    }

    /// Rejects all queued commands, because no transaction can begin: each would fail after the same wait.
    fn reject_queued(&mut self, first: Box<dyn Command>, error: &Error) {
        self.metrics.count_failure();
        self.set_failing(failure_reason(error));
        // Collected first: a caller that retries at once starts a new attempt.
        let mut queued = vec![first];
        while queued.len() < QUEUE_CAPACITY
            && let Some(command) = self.try_next_command()
        {
            queued.push(command);
        }
        for command in queued {
            command.reject(error.clone());
        }
    }

    fn set_failing(&self, reason: String) {
        if *self.health.borrow() != (Health::Failing { reason: reason.clone() }) {
            tracing::error!(reason, "database not writable");
            self.health.send_replace(Health::Failing { reason });
        }
    }

    fn set_writable(&self) {
        if *self.health.borrow() != Health::Writable {
            tracing::info!("database writable again");
            self.health.send_replace(Health::Writable);
        }
    }

    fn next_command(&mut self) -> Option<Box<dyn Command>> {
        loop {
            match self.jobs.blocking_recv()? {
                Job::Write(command) => return Some(command),
                // The queued commands still run; then the channel reports its end.
                Job::Close => self.jobs.close(),
            }
        }
    }

    fn try_next_command(&mut self) -> Option<Box<dyn Command>> {
        loop {
            match self.jobs.try_recv().ok()? {
                Job::Write(command) => return Some(command),
                Job::Close => self.jobs.close(),
            }
        }
    }

    /// Checkpoints as far as possible without waiting: another process (Litestream) may hold a read transaction for long.
    fn checkpoint(&self) -> rusqlite::Result<()> {
        self.tx.busy_timeout(Duration::ZERO)?;
        self.tx.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }
}

/// Returns the reason for [`Health`], without the prefix of [`Error`].
fn failure_reason(error: &Error) -> String {
    match error {
        Error::Unavailable { reason } => reason.clone(),
        error => error.to_string(),
    }
}
