//! The writing side: one thread owns the only writing connection and commits in groups.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use std::{io, thread};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};
use trace::{Context, Kind};
use tracing::Span;

use crate::error::outage;
use crate::meters::Meters;
use crate::{Error, Tx};

/// Commands that may wait for the writer; beyond that their callers wait to hand theirs over.
const QUEUE: usize = 1024;

/// Commands that share one commit at most, so that the first of them does not wait long.
const LARGEST_GROUP: usize = 256;

/// Whether the last attempt to save something succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It did, or there was none yet.
    Writing,
    /// It did not.
    Failing {
        /// Why, in the words of SQLite: `database or disk is full`.
        reason: String,
    },
}

/// The async side: hands commands to the writer thread.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    service: &'static str,
    meters: Meters,
    queue: mpsc::Sender<Job>,
    commits: watch::Receiver<u64>,
    health: watch::Receiver<Health>,
}

/// Starts the writer thread on `conn`. It ends after [`Handle::close`], or with the last [`Handle`].
pub(crate) fn start(service: &'static str, conn: Connection) -> io::Result<Handle> {
    let (queue, jobs) = mpsc::channel(QUEUE);
    let (committed, commits) = watch::channel(0);
    let (condition, health) = watch::channel(Health::Writing);
    let meters = Meters::default();
    let writer = Writer {
        meters: meters.clone(),
        tx: Tx::new(conn),
        jobs,
        health: condition,
        commits: committed,
    };
    thread::Builder::new()
        .name(format!("{service}-db"))
        .spawn(move || Context::of(service).sync_scope(|| writer.run()))?;
    Ok(Handle {
        service,
        meters,
        queue,
        commits,
        health,
    })
}

impl Handle {
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let mut step = self.step();
        let command = Box::new(Call {
            work,
            handed: Instant::now(),
            cause: step.context(),
            span: Span::current(),
            reply,
        });
        self.queue.send(Job::Write(command)).await.map_err(|_| Error::Closed)?;
        let outcome = answer.await.unwrap_or(Err(Error::Closed));
        match &outcome {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => step.set("ticketing.outcome", "undone"),
            Err(error) => step.fail(error),
        }
        outcome?
    }

    /// The step of the trace at hand that a write is (<https://opentelemetry.io/docs/specs/semconv/database/sql/>).
    fn step(&self) -> trace::Span {
        let mut step = trace::span(Kind::Client, format_args!("write {}", self.service));
        step.set("db.system.name", "sqlite");
        step.set("db.namespace", self.service);
        step.set("db.operation.name", "write");
        step
    }

    pub(crate) const fn meters(&self) -> &Meters {
        &self.meters
    }

    /// Commands that wait to be taken.
    pub(crate) fn waiting(&self) -> usize {
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
        // Already closed is as good. Either way the writer's end of `commits` goes last of all.
        let _ = self.queue.send(Job::Close).await;
        let mut commits = self.commits();
        while commits.changed().await.is_ok() {}
    }
}

enum Job {
    Write(Box<dyn Command>),
    Close,
}

/// A command whose result type the writer need not know.
trait Command: Send {
    /// How long it has waited for its turn.
    fn waited(&self) -> Duration;
    /// Does the work, and says how to answer once it is known whether it was committed.
    fn run(self: Box<Self>, tx: &Tx) -> Ran;
    /// Answers without doing the work.
    fn refuse(self: Box<Self>, error: Error);
}

struct Ran {
    /// Whether its effects are to stay.
    keep: bool,
    answer: Answer,
}

/// Tells the caller what became of its command, given what became of the commit.
type Answer = Box<dyn FnOnce(Result<(), Error>)>;

struct Call<F, T, E> {
    work: F,
    handed: Instant,
    cause: trace::Context,
    span: Span,
    reply: oneshot::Sender<Result<Result<T, E>, Error>>,
}

impl<F, T, E> Command for Call<F, T, E>
where
    F: FnOnce(&Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    fn waited(&self) -> Duration {
        self.handed.elapsed()
    }

    fn run(self: Box<Self>, tx: &Tx) -> Ran {
        let Self {
            work,
            cause,
            span,
            reply,
            ..
        } = *self;
        let work = || span.in_scope(|| work(tx));
        // The savepoint restores the database; whatever else the closure touched goes with it.
        let outcome = catch_unwind(AssertUnwindSafe(|| cause.sync_scope(work)));
        let outcome = outcome.map_err(|_| Error::Panicked);
        let keep = matches!(outcome, Ok(Ok(_)));
        // Nobody may be waiting any more; the command counts all the same.
        Ran {
            keep,
            answer: Box::new(move |commit| drop(reply.send(commit.and(outcome)))),
        }
    }

    fn refuse(self: Box<Self>, error: Error) {
        drop(self.reply.send(Err(error)));
    }
}

/// Fields are dropped in this order: `commits` last, because [`Handle::close`] waits for it.
struct Writer {
    meters: Meters,
    tx: Tx,
    jobs: mpsc::Receiver<Job>,
    health: watch::Sender<Health>,
    commits: watch::Sender<u64>,
}

impl Writer {
    fn run(mut self) {
        while let Some(first) = self.wait() {
            self.commit_together(first);
        }
        if let Err(error) = self.checkpoint() {
            // Not lost: the next start reads the log.
            tracing::warn!(%error, "the write-ahead log was not folded into the database");
        }
    }

    /// One transaction: `first`, then whatever is waiting by the time it is done, and so on.
    fn commit_together(&mut self, first: Box<dyn Command>) {
        outage::take();
        let began = Instant::now();
        if let Err(error) = self.begin() {
            return self.refuse_waiting(first, &error);
        }
        let mut answers = Vec::new();
        let mut keep = false;
        let mut outcome = Ok(());
        let mut next = Some(first);
        while let Some(command) = next {
            match self.apply(command, &mut answers) {
                Ok(kept) => keep |= kept,
                Err(lost) => {
                    outcome = Err(lost);
                    break;
                }
            }
            next = if answers.len() < LARGEST_GROUP {
                self.poll()
            } else {
                None
            };
        }
        let ran = Instant::now();
        let outcome = outcome.and_then(|()| self.tx.step("COMMIT"));
        self.meters
            .concluded(outcome.is_ok(), answers.len(), began.elapsed(), ran.elapsed());
        self.conclude(&outcome, keep);
        for answer in answers {
            answer(outcome.clone());
        }
    }

    fn begin(&self) -> Result<(), Error> {
        if !self.tx.is_autocommit() {
            // Only if an earlier rollback failed.
            self.tx.step("ROLLBACK")?;
        }
        self.tx.step("BEGIN IMMEDIATE")
    }

    /// Runs one command in its savepoint. `Ok` tells whether it keeps something; an error that the transaction is lost.
    fn apply(&self, command: Box<dyn Command>, answers: &mut Vec<Answer>) -> Result<bool, Error> {
        self.meters.waited(command.waited());
        if let Err(error) = self.tx.step("SAVEPOINT command") {
            command.refuse(error.clone());
            return Err(error);
        }
        let Ran { keep, answer } = command.run(&self.tx);
        answers.push(answer);
        self.tx.settle(keep, "command")?;
        Ok(keep)
    }

    /// Leaves the transaction behind, and tells those who watch.
    fn conclude(&self, outcome: &Result<(), Error>, keep: bool) {
        if outcome.is_err()
            && !self.tx.is_autocommit()
            && let Err(error) = self.tx.step("ROLLBACK")
        {
            tracing::error!(%error, "a failed transaction could not be rolled back");
        }
        let trouble = match outcome {
            Err(error) => Some(reason(error)),
            // A command alone may have failed on the storage, and been undone.
            Ok(()) => outage::take(),
        };
        match trouble {
            Some(reason) => self.failing(reason),
            None if keep => self.writing(),
            None => {}
        }
        if keep && outcome.is_ok() {
            self.commits.send_modify(|count| *count += 1);
        }
    }

    /// The storage does not even begin: everybody in the queue would wait for the same answer.
    fn refuse_waiting(&mut self, first: Box<dyn Command>, error: &Error) {
        self.meters.failed();
        self.failing(reason(error));
        // Collected first: whoever is answered may try again at once, and that is a new attempt.
        let mut waiting = vec![first];
        while waiting.len() < QUEUE
            && let Some(command) = self.poll()
        {
            waiting.push(command);
        }
        for command in waiting {
            command.refuse(error.clone());
        }
    }

    fn failing(&self, reason: String) {
        if *self.health.borrow() != (Health::Failing { reason: reason.clone() }) {
            tracing::error!(reason, "the database cannot be written");
            self.health.send_replace(Health::Failing { reason });
        }
    }

    fn writing(&self) {
        if *self.health.borrow() != Health::Writing {
            tracing::info!("the database can be written again");
            self.health.send_replace(Health::Writing);
        }
    }

    fn wait(&mut self) -> Option<Box<dyn Command>> {
        loop {
            match self.jobs.blocking_recv()? {
                Job::Write(command) => return Some(command),
                // What is in the queue is still done; then it reports its end.
                Job::Close => self.jobs.close(),
            }
        }
    }

    fn poll(&mut self) -> Option<Box<dyn Command>> {
        loop {
            match self.jobs.try_recv().ok()? {
                Job::Write(command) => return Some(command),
                Job::Close => self.jobs.close(),
            }
        }
    }

    /// Folds what it can, and waits for nobody: another process (Litestream) may read the log for as long as it lives.
    fn checkpoint(&self) -> rusqlite::Result<()> {
        self.tx.busy_timeout(Duration::ZERO)?;
        self.tx.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }
}

/// The words for [`Health`], without our own preface.
fn reason(error: &Error) -> String {
    match error {
        Error::Unavailable { reason } => reason.clone(),
        error => error.to_string(),
    }
}
