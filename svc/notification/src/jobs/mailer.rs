use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use backoff::Backoff;
use chassis::run_at_low_priority;
use db::Db;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;
use values::Clock;

use crate::{
    composition::Composer,
    domain::{MailRules, MailState, Material, RateLimits},
    metrics::MailCounters,
    smtp::{DeliveryError, Sender, Transport},
    use_cases::{Outcome, claim_mails, give_up_overdue_mails, mail_next_withdrawal, settle_mail},
};

/// The pause after a failed write: a full disk must not cause a stream of mails whose results cannot be stored.
const FAILED_WRITE_PAUSE: Duration = Duration::from_secs(1);

/// The worker that sends mails: it runs after each commit, and periodically. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Mailer {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) composer: Arc<Composer>,
    pub(crate) sender: Arc<Sender>,
    pub(crate) transport: Transport,
    pub(crate) rates: RateLimits,
    pub(crate) rules: MailRules,
    pub(crate) counters: MailCounters,
    /// How many mails are sent at the same time.
    pub(crate) slots: Arc<Semaphore>,
    /// Starts a pass without a commit.
    pub(crate) wake: Arc<Notify>,
    pub(crate) jitter: Arc<Mutex<Backoff>>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Mailer {
    /// Sends due mails, now and after every commit, until the service shuts down. Attempts that run are finished.
    pub(crate) async fn run(self) {
        let mut commits = self.db.commits();
        loop {
            if let Err(error) = self.pass().await {
                tracing::warn!(%error, "mails could not be read, will retry");
                self.pause(FAILED_WRITE_PAUSE).await;
            }
            self.transport.close_idle().await;
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => break,
                more = commits.changed() => if more.is_err() { break },
                () = self.wake.notified() => {}
            }
        }
        self.transport.close().await;
    }

    /// Requests the mails of withdrawals, gives up overdue mails, and starts sending those that are due.
    async fn pass(&self) -> Result<(), db::Error> {
        let (now, rules) = (self.clock.now(), self.rules);
        while self.db.write(move |tx| mail_next_withdrawal(tx, now, &rules)).await? && !self.shutdown.is_cancelled() {}
        let given_up = self.db.write(move |tx| give_up_overdue_mails(tx, now, &rules)).await?;
        self.counters.given_up(given_up);
        loop {
            // One slot is held before a mail is claimed, so that no claimed mail waits.
            let slot = Arc::clone(&self.slots).acquire_owned();
            let Some(Ok(slot)) = self.shutdown.run_until_cancelled(slot).await else {
                return Ok(());
            };
            let free = u32::try_from(self.slots.available_permits()).unwrap_or_default() + 1;
            let (now, rates) = (self.clock.now(), self.rates);
            let claimed = self.db.write(move |tx| claim_mails(tx, now, free, rates, &rules));
            let (mails, may_be_more) = claimed.await?;
            let is_empty = mails.is_empty();
            let mut slot = Some(slot);
            for mail in mails {
                let Some(slot) = slot.take().or_else(|| Arc::clone(&self.slots).try_acquire_owned().ok()) else {
                    // Only this worker takes slots, and it claimed no more than were free.
                    break;
                };
                self.spawn(mail, slot);
            }
            if !may_be_more && is_empty {
                return Ok(());
            }
        }
    }

    fn spawn(&self, material: Material, slot: OwnedSemaphorePermit) {
        let this = self.clone();
        let work = async move {
            this.send(material).await;
            drop(slot);
            this.wake.notify_one();
        };
        self.tasks.spawn(work.in_current_span());
    }

    /// Makes one attempt to send a mail, and stores its result.
    async fn send(&self, material: Material) {
        let outcome = self.attempt(&material).await;
        let kind = material.mail.kind.as_str();
        let mail = material.mail;
        loop {
            let (now, rules, mail, result) = (self.clock.now(), self.rules, mail.clone(), outcome.clone());
            let jitter = Arc::clone(&self.jitter);
            let settled = self.db.write(move |tx| {
                let jittered = |delay| jitter.lock().unwrap_or_else(PoisonError::into_inner).jittered(delay);
                settle_mail(tx, now, &mail, &result, jittered, &rules)
            });
            match settled.await {
                Ok(state) => {
                    self.counters.attempted(state);
                    match (&outcome, state) {
                        (Outcome::Sent, _) => {}
                        (Outcome::Later(reason) | Outcome::Refused(reason), MailState::Undelivered) => {
                            tracing::error!(kind, reason, "mail given up, see `undelivered list`");
                        }
                        (Outcome::Later(reason) | Outcome::Refused(reason), _) => {
                            tracing::warn!(kind, reason, "mail not sent, will retry");
                        }
                    }
                    return;
                }
                // The mail stays claimed: after a start it is sent again.
                Err(error) if self.shutdown.is_cancelled() || !error.is_transient() => {
                    tracing::error!(kind, %error, "result of a mail could not be stored");
                    return;
                }
                Err(error) => {
                    tracing::warn!(kind, %error, "result of a mail could not be stored, will retry");
                    self.pause(FAILED_WRITE_PAUSE).await;
                }
            }
        }
    }

    async fn attempt(&self, material: &Material) -> Outcome {
        // Pages with tickets take milliseconds of processor time each.
        let (writer, written_from) = (Arc::clone(&self.composer), material.clone());
        let composed = match run_at_low_priority(move || writer.compose(&written_from)).await {
            Ok(Ok(composed)) => composed,
            // An operator may correct the keys.
            Ok(Err(error)) => return Outcome::Later(error.to_string()),
            Err(error) => return Outcome::Later(error.to_string()),
        };
        let mail = &material.mail;
        let names = (mail.id.to_string(), mail.key.as_str());
        let outgoing = match self.sender.build(names, &material.address, composed, self.clock.now()) {
            Ok(outgoing) => outgoing,
            Err(error) => return Outcome::Refused(error.to_string()),
        };
        match self.transport.deliver(outgoing).await {
            Ok(()) => Outcome::Sent,
            Err(DeliveryError::Temporary(reason)) => Outcome::Later(reason),
            Err(DeliveryError::Permanent(reason)) => Outcome::Refused(reason),
        }
    }

    async fn pause(&self, pause: Duration) {
        let _ = self.shutdown.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}
