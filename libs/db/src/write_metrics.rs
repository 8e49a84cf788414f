//! The metrics of the writer, and those that are collected for each scrape.

use std::fs;
use std::path::Path;
use std::time::Duration;

use metrics::{Counter, Histogram, MetricsRegistry, Samples, batch_size_histogram, latency_histogram};

use crate::Health;
use crate::open::sibling;
use crate::reader::Readers;
use crate::row_waiters::RowWaiters;
use crate::writer::WriterHandle;

#[derive(Clone, Debug)]
pub(crate) struct WriteMetrics {
    wait: Histogram,
    commands: Histogram,
    transaction: Histogram,
    commit: Histogram,
    failures: Counter,
}

impl Default for WriteMetrics {
    fn default() -> Self {
        Self {
            wait: latency_histogram(),
            commands: batch_size_histogram(),
            transaction: latency_histogram(),
            commit: latency_histogram(),
            failures: Counter::default(),
        }
    }
}

impl WriteMetrics {
    pub(crate) fn register(&self, metrics: &MetricsRegistry) {
        metrics.register(
            "ticketing_db_write_wait_seconds",
            "How long commands waited for the writer",
            self.wait.clone(),
        );
        metrics.register(
            "ticketing_db_commit_commands",
            "Commands that shared a commit",
            self.commands.clone(),
        );
        metrics.register(
            "ticketing_db_transaction_seconds",
            "From the beginning of a transaction to the end of its commit",
            self.transaction.clone(),
        );
        metrics.register(
            "ticketing_db_commit_seconds",
            "How long commits took: the disk",
            self.commit.clone(),
        );
        metrics.register(
            "ticketing_db_commit_failures_total",
            "Transactions of which nothing was saved, because the storage failed",
            self.failures.clone(),
        );
    }

    pub(crate) fn observe_wait(&self, time: Duration) {
        self.wait.observe(time.as_secs_f64());
    }

    /// Observes the end of a transaction. `commit` is the duration of its commit alone.
    pub(crate) fn observe_transaction(
        &self,
        committed: bool,
        commands: usize,
        transaction: Duration,
        commit: Duration,
    ) {
        if committed {
            self.commands
                .observe(f64::from(u32::try_from(commands).unwrap_or(u32::MAX)));
            self.transaction.observe(transaction.as_secs_f64());
            self.commit.observe(commit.as_secs_f64());
        } else {
            self.count_failure();
        }
    }

    pub(crate) fn count_failure(&self) {
        self.failures.inc();
    }
}

pub(crate) fn collect_metrics(
    path: &Path,
    writer: &WriterHandle,
    readers: &Readers,
    waiters: &RowWaiters,
    samples: &mut Samples,
) {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let writable = *writer.health().borrow() == Health::Writable;
    samples.gauge(
        "ticketing_db_write_queue_commands",
        "Commands that wait for the writer",
        &[],
        count(writer.queue_length()),
    );
    samples.gauge(
        "ticketing_db_reads_running",
        "Reads of requests that run, of at most four",
        &[],
        count(readers.running()),
    );
    samples.gauge(
        "ticketing_db_row_waiters",
        "Requests that wait for the replication of a new resource",
        &[],
        count(waiters.count()),
    );
    samples.gauge(
        "ticketing_db_writable",
        "Whether the last attempt to save something succeeded",
        &[],
        writable.into(),
    );
    for (name, help, file) in [
        ("ticketing_db_size_bytes", "The size of the database", path.to_owned()),
        (
            "ticketing_db_wal_size_bytes",
            "The size of the write-ahead log",
            sibling(path, "-wal"),
        ),
    ] {
        let size = fs::metadata(file).map_or(0, |file| file.len());
        samples.gauge(name, help, &[], i64::try_from(size).unwrap_or(i64::MAX));
    }
}
