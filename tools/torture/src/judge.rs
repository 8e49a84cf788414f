//! Compares the databases, the broker, Stripe's books and every recorded response.

use std::path::Path;

use drill::{
    checks::{self, AllowedLoss, CheckReport, DatabasePaths},
    recording,
};

use crate::{
    broker::{Broker, QueueLengths},
    error::TortureError,
    marketplace::{Marketplace, STRIPE_KEY},
};

/// The judge of one round.
pub(crate) struct Judge<'a> {
    pub(crate) marketplace: &'a Marketplace<'a>,
    pub(crate) broker: &'a Broker,
    pub(crate) record: &'a Path,
    /// All queues but the journal, which keeps its messages.
    pub(crate) queues: Vec<String>,
}

/// The findings of one comparison.
pub(crate) struct Comparison {
    pub(crate) findings: Vec<String>,
    pub(crate) report: CheckReport,
}

impl Judge<'_> {
    /// Returns what differs now. While services run, events may be in transit.
    pub(crate) async fn compare(&self) -> Result<Comparison, TortureError> {
        let intents = checks::payment_intents(&self.marketplace.stripe_url, STRIPE_KEY).await;
        let intents = intents.map_err(TortureError::new)?;
        let paths = DatabasePaths {
            data: Some(self.marketplace.data().to_owned()),
            others: Vec::new(),
        };
        let lines = recording::read(self.record).map_err(TortureError::new)?;
        let report =
            tokio::task::block_in_place(|| checks::run(&paths, &lines, Some(&intents), &AllowedLoss::default()));
        let report = report.map_err(TortureError::new)?;
        let violated = report
            .violations
            .iter()
            .flat_map(|violation| violation.rows.iter().map(|row| format!("{}: {row}", violation.name)));
        let mut findings: Vec<_> = violated.collect();
        findings.extend(not_empty(&self.broker.lengths(&self.queues).await?));
        Ok(Comparison { findings, report })
    }
}

/// Returns the names of the queues without the journal.
pub(crate) fn without_journal(names: Vec<String>) -> Vec<String> {
    names.into_iter().filter(|name| !name.ends_with(".journal")).collect()
}

/// At the end of a round every queue is empty: nothing is parked, unroutable or left for a retry, and all orders have ended,
/// so that their timers are over.
fn not_empty(lengths: &QueueLengths) -> impl Iterator<Item = String> {
    let filled = lengths.iter().filter(|(_, length)| **length > 0);
    filled.map(|(name, length)| format!("the queue {name} has {length} messages"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_outside_the_journal_is_a_finding() {
        let names = ["t.order", "t.order.parked", "t.journal"].map(ToOwned::to_owned);
        let names = without_journal(names.into());
        assert_eq!(names, ["t.order", "t.order.parked"]);
        let lengths = names.into_iter().zip([0, 2]).collect();
        assert_eq!(
            not_empty(&lengths).collect::<Vec<_>>(),
            ["the queue t.order.parked has 2 messages"]
        );
    }
}
