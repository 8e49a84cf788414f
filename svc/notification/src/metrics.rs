//! Metrics of mails.

use std::time::Duration;

use chassis::Samples;
use metrics::{Counter, Labelled, MetricsRegistry, counters};
use rusqlite::Connection;
use values::Timestamp;

use crate::{domain::MailState, store};

/// Limits the counts, so that a scrape is cheap.
const MAX_COUNT: u32 = 100_000;

/// The attempts to send mails, by their results.
#[derive(Clone, Debug)]
pub(crate) struct MailCounters(Labelled<Counter>);

const SENT: [(&str, &str); 1] = [("result", "sent")];
const RETRIED: [(&str, &str); 1] = [("result", "retried")];
const UNDELIVERED: [(&str, &str); 1] = [("result", "undelivered")];

impl MailCounters {
    /// Registers the counters.
    pub(crate) fn register(registry: &MetricsRegistry) -> Self {
        let attempts = counters([SENT, RETRIED, UNDELIVERED]);
        registry.register(
            "ticketing_mail_attempts_total",
            "Attempts to send mails, by their result",
            attempts.clone(),
        );
        Self(attempts)
    }

    /// Counts an attempt, after which a mail has this state.
    pub(crate) fn attempted(&self, state: MailState) {
        let labels = match state {
            MailState::Sent => &SENT,
            MailState::Undelivered => &UNDELIVERED,
            _ => &RETRIED,
        };
        self.0.get_or_create(labels).inc();
    }

    /// Counts mails that were given up without an attempt.
    pub(crate) fn given_up(&self, mails: usize) {
        let mails = u64::try_from(mails).unwrap_or(u64::MAX);
        self.0.get_or_create(&UNDELIVERED).inc_by(mails);
    }
}

pub(crate) fn collect_metrics(conn: &Connection, now: Timestamp, samples: &mut Samples) -> Result<(), db::Error> {
    let numbers = store::mail_numbers(conn, MAX_COUNT)?;
    samples.gauge(
        "ticketing_mails_queued",
        "Mails that are to be sent, up to 100000",
        &[],
        numbers.open,
    );
    samples.gauge(
        "ticketing_mails_undelivered",
        "Mails that were given up and wait for an operator, up to 100000",
        &[],
        numbers.undelivered,
    );
    let oldest = numbers.oldest.map_or(Duration::ZERO, |oldest| oldest.until(now));
    samples.seconds(
        "ticketing_mail_oldest_seconds",
        "Age of the oldest mail that is to be sent; 0 if there is none",
        &[],
        oldest,
    );
    Ok(())
}
