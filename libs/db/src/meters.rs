//! What the writer counts, and what is read of the database for each scrape.

use std::fs;
use std::path::Path;
use std::time::Duration;

use metrics::{Counter, Histogram, MetricsRegistry, Samples, batch_size_histogram, latency_histogram};

use crate::Health;
use crate::open::beside;
use crate::reader::Readers;
use crate::writer::Handle;

#[derive(Clone, Debug)]
pub(crate) struct Meters {
    waited: Histogram,
    commands: Histogram,
    transaction: Histogram,
    commit: Histogram,
    failures: Counter,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            waited: latency_histogram(),
            commands: batch_size_histogram(),
            transaction: latency_histogram(),
            commit: latency_histogram(),
            failures: Counter::default(),
        }
    }
}

impl Meters {
    pub(crate) fn register(&self, metrics: &MetricsRegistry) {
        metrics.register(
            "ticketing_db_write_wait_seconds",
            "How long commands waited for the writer",
            self.waited.clone(),
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

    pub(crate) fn waited(&self, time: Duration) {
        self.waited.observe(time.as_secs_f64());
    }

    /// A transaction of so many commands is over; `commit` is the part that its commit took.
    pub(crate) fn concluded(&self, saved: bool, commands: usize, transaction: Duration, commit: Duration) {
        if saved {
            self.commands
                .observe(f64::from(u32::try_from(commands).unwrap_or(u32::MAX)));
            self.transaction.observe(transaction.as_secs_f64());
            self.commit.observe(commit.as_secs_f64());
        } else {
            self.failed();
        }
    }

    pub(crate) fn failed(&self) {
        self.failures.inc();
    }
}

pub(crate) fn collect_metrics(path: &Path, writer: &Handle, readers: &Readers, samples: &mut Samples) {
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let writable = *writer.health().borrow() == Health::Writing;
    samples.gauge(
        "ticketing_db_write_queue_commands",
        "Commands that wait for the writer",
        &[],
        count(writer.waiting()),
    );
    samples.gauge(
        "ticketing_db_reads_running",
        "Reads that run, of at most four",
        &[],
        count(readers.busy()),
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
            beside(path, "-wal"),
        ),
    ] {
        let size = fs::metadata(file).map_or(0, |file| file.len());
        samples.gauge(name, help, &[], i64::try_from(size).unwrap_or(i64::MAX));
    }
}
