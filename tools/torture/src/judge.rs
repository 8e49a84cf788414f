//! Compares the databases, the broker, Stripe's books, the mails that were written and every recorded response.

use std::{collections::BTreeSet, fs, io, path::Path};

use drill::{
    checks::{self, AllowedLoss, CheckReport, DatabasePaths, NotificationChecks, StoredMail},
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
        let (report, mails) = tokio::task::block_in_place(|| {
            let report = checks::run(
                &paths,
                &lines,
                Some(&intents),
                &AllowedLoss::default(),
                NotificationChecks::Run,
            )?;
            Ok::<_, drill::DrillError>((report, checks::stored_mails(&paths)?))
        })
        .map_err(TortureError::new)?;
        let folder = self.marketplace.mail_folder();
        let written = written_mails(folder).map_err(|error| TortureError::file(folder, &error))?;
        let violated = report
            .violations
            .iter()
            .flat_map(|violation| violation.rows.iter().map(|row| format!("{}: {row}", violation.name)));
        let mut findings: Vec<_> = violated.collect();
        findings.extend(not_delivered(&mails, &written));
        findings.extend(not_empty(&self.broker.lengths(&self.queues).await?));
        Ok(Comparison { findings, report })
    }
}

/// Returns the names of the queues without the journal.
pub(crate) fn without_journal(names: Vec<String>) -> Vec<String> {
    names.into_iter().filter(|name| !name.ends_with(".journal")).collect()
}

/// Returns the ids of the mails in a folder; none if it does not exist yet.
fn written_mails(folder: &Path) -> io::Result<BTreeSet<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries?,
    };
    let mut ids = BTreeSet::new();
    for entry in entries {
        let name = entry?.file_name();
        // A mail that is being written has another name.
        ids.extend(
            name.to_str()
                .and_then(|name| name.strip_suffix(".eml"))
                .map(ToOwned::to_owned),
        );
    }
    Ok(ids)
}

/// Every mail that is sent was written, and every mail that was written is stored.
fn not_delivered(stored: &[StoredMail], written: &BTreeSet<String>) -> Vec<String> {
    let known: BTreeSet<_> = stored.iter().map(|mail| &mail.id).collect();
    let is_missing = |mail: &&StoredMail| mail.is_sent && !written.contains(&mail.id);
    let missing = stored.iter().filter(is_missing);
    let missing = missing.map(|mail| format!("the mail {} is sent, and was not written", mail.id));
    let unknown = written.iter().filter(|id| !known.contains(id));
    missing
        .chain(unknown.map(|id| format!("the mail {id} was written, and is not stored")))
        .collect()
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
        let names = ["t.order", "t.notification.parked", "t.journal"].map(ToOwned::to_owned);
        let names = without_journal(names.into());
        assert_eq!(names, ["t.order", "t.notification.parked"]);
        let lengths = names.into_iter().zip([0, 2]).collect();
        assert_eq!(
            not_empty(&lengths).collect::<Vec<_>>(),
            ["the queue t.notification.parked has 2 messages"]
        );
    }

    #[test]
    fn a_sent_mail_without_a_file_and_a_file_without_a_mail_are_findings() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["sent.eml", "queued.eml", "unknown.eml", ".mail-partial"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let stored = [("sent", true), ("lost", true), ("queued", false), ("waiting", false)].map(|(id, is_sent)| {
            let id = id.to_owned();
            StoredMail { id, is_sent }
        });
        assert_eq!(
            not_delivered(&stored, &written_mails(folder.path()).unwrap()),
            [
                "the mail lost is sent, and was not written",
                "the mail unknown was written, and is not stored"
            ]
        );
    }
}
