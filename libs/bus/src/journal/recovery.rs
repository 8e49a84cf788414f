use std::{sync::Arc, time::Instant};

use db::{Db, Tx};
use events::Envelope;
use lapin::Connection;
use tokio::sync::watch;
use values::{Clock, Timestamp};

use super::reader::JournalReader;
use crate::{
    ConsumeError, Error, EventHandler, Namespace, Queue,
    connection::ConsumingConnection,
    consumer::{Copied, FailedMessage, FailedMessages, QueueConsumer},
    message::{Message, message_id, messages_in, stream_offset},
    ordered_join::join_in_order,
    publishers::{NoEvent, Publishers},
};

/// The recovery of a service with a restored database from the journal, before it consumes or publishes.
///
/// It has two steps: it restores the state of the service's own published events, then consumes the events of other
/// services again, because a handler could contradict a published event otherwise. A recovery that fails starts over with
/// the next connection: each step is idempotent. At the end it records in the mark of the database that the journal is
/// applied. The mark stays: [`republish_changed`] publishes what has changed, in the background, and clears it.
///
/// [`republish_changed`]: crate::republish_changed
#[derive(Clone, Debug)]
pub struct Recovery {
    /// Restores an aggregate from an event.
    pub recover: RecoverEvent,
    /// The time from which the journal is read; `None` means from its beginning.
    pub since: Option<Timestamp>,
    /// Becomes true when the recovery is complete.
    pub done: watch::Sender<bool>,
}

/// Restores the state of one of the service's aggregates from an event, if the database has no newer one. Returns whether
/// it did.
///
/// It is called with all events of all services in the order of their publishing, and must not publish.
pub type RecoverEvent = fn(&Tx, Timestamp, &Envelope) -> Result<bool, ConsumeError>;

/// A running [`Recovery`].
pub(crate) struct JournalRecovery<'a> {
    pub(crate) plan: &'a Recovery,
    pub(crate) consuming: &'a ConsumingConnection,
    pub(crate) publishing: &'a Connection,
    pub(crate) publishers: &'a Publishers,
    pub(crate) namespace: &'a Namespace,
    pub(crate) service: &'static str,
    pub(crate) consumers: &'a [QueueConsumer],
    pub(crate) db: &'a Db,
    pub(crate) clock: &'a Clock,
}

impl JournalRecovery<'_> {
    /// Runs the recovery, and records that the journal is applied.
    pub(crate) async fn run(&self) -> Result<(), Error> {
        let (began, since) = (Instant::now(), self.plan.since);
        let from = since.map_or_else(|| "its beginning".to_owned(), |since| since.to_string());
        tracing::info!(from, "database was restored, recovering from the journal");
        self.warn_of_recovery_gap().await?;
        let recovered = self.recover_own_events().await?;
        let consumed = self.consume_events_again().await?;
        self.db
            .write(db::restored::record_applied_journal)
            .await
            .map_err(recovery_error)?;
        let millis = began.elapsed().as_millis();
        tracing::info!(
            recovered,
            consumed,
            from,
            millis,
            "database has recovered from the journal"
        );
        Ok(())
    }

    /// Logs a warning if the journal may start after the backup was made: events between them cannot be recovered.
    async fn warn_of_recovery_gap(&self) -> Result<(), Error> {
        let mut journal = self.open_journal(None).await?;
        let mut oldest = None;
        while oldest.is_none()
            && let Some(batch) = journal.next_messages().await?
        {
            let now = self.clock.now();
            let messages = batch.into_iter().flat_map(|delivery| messages_in(delivery.into()));
            let times = messages.map(|message| self.publishers.event_in(&message, now));
            oldest = times.flatten().map(|envelope| envelope.time).next();
        }
        if self
            .plan
            .since
            .is_none_or(|since| oldest.is_none_or(|oldest| oldest > since))
        {
            let oldest = oldest.map_or_else(|| "none".to_owned(), |oldest| oldest.to_string());
            tracing::warn!(
                oldest_event = oldest,
                "journal may start after the backup was made, earlier events are not recovered"
            );
        }
        Ok(())
    }

    async fn recover_own_events(&self) -> Result<u64, Error> {
        let mut journal = self.open_journal(self.plan.since).await?;
        let (recover, mut recovered) = (self.plan.recover, 0);
        while let Some(batch) = journal.next_messages().await? {
            let messages = batch.into_iter().flat_map(|delivery| messages_in(delivery.into()));
            let envelopes: Vec<_> = messages.filter_map(|message| self.event_in(&message)).collect();
            let recoveries = envelopes.into_iter().map(|envelope| async {
                let (id, kind, now) = (envelope.id, envelope.event.name(), self.clock.now());
                match self.db.write(move |tx| recover(tx, now, &envelope)).await {
                    Err(error) if !error.is_transient() => {
                        tracing::error!(%id, kind, %error, "event cannot be recovered");
                        Ok(false)
                    }
                    outcome => outcome,
                }
            });
            for outcome in join_in_order(recoveries).await {
                recovered += u64::from(outcome.map_err(recovery_error)?);
            }
        }
        Ok(recovered)
    }

    async fn consume_events_again(&self) -> Result<u64, Error> {
        let Some(consumer) = self.consumers.iter().find(|consumer| consumer.queue == Queue::Events) else {
            return Ok(0);
        };
        let types: Vec<_> = events::subscriptions(self.service).collect();
        let mut copies = FailedMessages::open(consumer, self.publishing, self.publishers).await?;
        let mut journal = self.open_journal(self.plan.since).await?;
        let mut count = 0;
        while let Some(mut batch) = journal.next_messages().await? {
            batch.retain(|delivery| types.contains(&delivery.routing_key.as_str()));
            // A message without an event is parked when it arrives from the service's queue.
            let now = self.clock.now();
            let messages: Vec<_> = batch
                .into_iter()
                .flat_map(|delivery| messages_in(delivery.into()))
                .filter_map(|message| Some((self.publishers.event_in(&message, now).ok()?, message)))
                .collect();
            let attempts = messages
                .into_iter()
                .map(|(envelope, message)| async move { (message, self.apply(&consumer.handler, envelope).await) });
            for (message, outcome) in join_in_order(attempts).await {
                match outcome {
                    Ok(()) => count += 1,
                    Err(error) if error.is_transient() => return Err(recovery_error(error)),
                    // As for any message: its retries arrive at the service's queue. One that the broker refuses is logged,
                    // and stays in the journal.
                    Err(error) => {
                        let failed = FailedMessage {
                            message,
                            reason: error.to_string(),
                            is_retryable: true,
                        };
                        let (Copied::Yes | Copied::Refused) = copies.retry_or_park(&failed).await?;
                    }
                }
            }
        }
        Ok(count)
    }

    /// Returns the event in a message of the journal. A message without one cannot be removed from there: it is reported, and
    /// the recovery goes on.
    fn event_in(&self, message: &Message) -> Option<Envelope> {
        let event = self.publishers.event_in(message, self.clock.now());
        let report = |reason: &NoEvent| {
            let (id, offset) = (message_id(message), stream_offset(message));
            tracing::error!(id, offset, %reason, "message in the journal is passed over");
        };
        event.inspect_err(report).ok()
    }

    async fn apply(&self, handler: &EventHandler, envelope: Envelope) -> Result<(), ConsumeError> {
        let (handler, now) = (Arc::clone(handler), self.clock.now());
        self.db.write(move |tx| handler(tx, now, &envelope)).await
    }

    async fn open_journal(&self, since: Option<Timestamp>) -> Result<JournalReader, Error> {
        JournalReader::open(
            self.consuming,
            self.publishing,
            self.publishers,
            self.namespace,
            self.clock,
            since,
        )
        .await
    }
}

fn recovery_error(error: impl std::fmt::Display) -> Error {
    Error::Recovery(error.to_string())
}
