//! The result of the checks.

use std::collections::BTreeSet;

use crate::statistics::{grouped, milliseconds};

/// The number of rows of a violation that are printed.
const PRINTED_ROWS: usize = 10;

/// A condition, and the query for its violations: rows of one text, or the columns of a [`Mismatch`].
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
}

/// A recorded response that contradicts the end state.
pub(super) struct Mismatch {
    pub(super) number: usize,
    pub(super) at: i64,
    pub(super) service: String,
    pub(super) reason: String,
}

/// A condition that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The condition.
    pub name: &'static str,
    /// The rows that violate it.
    pub rows: Vec<String>,
}

/// The result of all checks.
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    /// The violated conditions.
    pub violations: Vec<Violation>,
    /// The number of responses in the record.
    pub responses: usize,
    /// The number of responses that are lost, where a loss is allowed.
    pub lost: usize,
    /// The time between the first and the last lost response, in milliseconds.
    pub lost_range_ms: u64,
    /// A description of each lost response.
    pub losses: Vec<String>,
    /// The number of checks.
    pub checks: usize,
    /// The numbers of orders, payments, payment intents, used tickets and sent mails.
    pub counts: [usize; 5],
    pub(super) false_responses: usize,
}

impl CheckReport {
    /// Whether every condition holds.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// Returns the report as lines of text.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for Violation { name, rows } in &self.violations {
            lines.push(format!("VIOLATED: {name} ({})", grouped(rows.len())));
            lines.extend(rows.iter().take(PRINTED_ROWS).map(|row| format!("  {row}")));
            if rows.len() > PRINTED_ROWS {
                lines.push(format!("  and {} more", grouped(rows.len() - PRINTED_ROWS)));
            }
        }
        let [orders, payments, intents, used, mails] = self.counts.map(grouped);
        lines.push(format!(
            "{} checks of {orders} orders, {payments} payments, {intents} Stripe payment intents, {used} used tickets, {mails} sent \
             mails: {}",
            self.checks,
            if self.is_clean() {
                "all passed".to_owned()
            } else {
                format!("{} failed", self.violations.len())
            }
        ));
        let confirmed = self.responses.saturating_sub(self.lost + self.false_responses);
        lines.push(format!("{} responses agree with the end state", grouped(confirmed)));
        if self.false_responses > 0 {
            lines.push(format!("{} responses contradict it", grouped(self.false_responses)));
        }
        if self.lost > 0 {
            lines.push(format!(
                "{} responses lost, within {}",
                grouped(self.lost),
                milliseconds(self.lost_range_ms)
            ));
            lines.extend(self.losses.iter().take(PRINTED_ROWS).map(|loss| format!("  {loss}")));
        }
        lines
    }
}

impl CheckReport {
    /// Adds a condition if rows violate it.
    pub(super) fn add(&mut self, name: &'static str, rows: Vec<String>) {
        if !rows.is_empty() {
            self.violations.push(Violation { name, rows });
        }
    }

    /// Sets the lost responses, without those that are contradicted in another way.
    pub(super) fn set_lost(&mut self, lost: &[Mismatch], contradicted: &BTreeSet<usize>) {
        let numbers: BTreeSet<_> = lost.iter().map(|mismatch| mismatch.number).collect();
        self.lost = numbers.difference(contradicted).count();
        let times = || lost.iter().map(|mismatch| mismatch.at);
        let range = times().max().zip(times().min()).map_or(0, |(last, first)| last - first);
        self.lost_range_ms = u64::try_from(range).unwrap_or_default();
        self.losses = lost
            .iter()
            .map(|mismatch| format!("at {}: {}", mismatch.at, mismatch.reason))
            .collect();
    }
}
