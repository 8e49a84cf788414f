use lapin::{Channel, Connection};

use super::{FailedAttempts, QueueConsumer};
use crate::{
    Error, Namespace,
    bus_metrics::Outcome,
    connection::confirming_channel,
    message::{Message, OutgoingMessage, message_id},
    publishers::Publishers,
};

/// A message that was not applied.
pub(crate) struct FailedMessage {
    pub(crate) message: Message,
    pub(crate) reason: String,
    /// Whether another attempt may succeed.
    pub(crate) is_retryable: bool,
}

/// What became of a failed message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(crate) enum Copied {
    /// A queue has a confirmed copy.
    Yes,
    /// The broker accepts no copy of this message, for example because it exceeds a limit that was lowered.
    Refused,
}

/// Copies the failed messages of one consumer to its retry queues or its parked queue, one at a time.
///
/// It publishes on a connection of its own: the broker may block publishing at any time, and the consumer acknowledges other
/// messages meanwhile. One at a time, because lapin assigns a returned message to a publish by order.
pub(crate) struct FailedMessages<'a> {
    consumer: &'a QueueConsumer,
    publishing: &'a Connection,
    publishers: &'a Publishers,
    channel: Channel,
}

impl<'a> FailedMessages<'a> {
    pub(crate) async fn open(
        consumer: &'a QueueConsumer,
        publishing: &'a Connection,
        publishers: &'a Publishers,
    ) -> Result<Self, Error> {
        Ok(Self {
            consumer,
            publishing,
            publishers,
            channel: confirming_channel(publishing).await?,
        })
    }

    /// Publishes a copy to a retry queue, or to the parked queue after the last attempt.
    ///
    /// When it returns, the broker has confirmed or refused the copy.
    pub(crate) async fn retry_or_park(&mut self, failed: &FailedMessage) -> Result<Copied, Error> {
        let QueueConsumer {
            queue_name,
            clock,
            retry_delays,
            ..
        } = self.consumer;
        let (message, now) = (&failed.message, clock.now());
        let failures = FailedAttempts::from_headers(message).with_attempt(queue_name, now, &failed.reason);
        let retries = usize::try_from(failures.count).unwrap_or(usize::MAX) - 1;
        let delay = retry_delays.get(retries).filter(|_| failed.is_retryable);
        let (id, attempts, reason) = (message_id(message), failures.count, failures.reason.clone());
        let Some(delay) = delay else {
            let parked = self.consumer.namespace.parked_queue(self.consumer.service);
            let copied = self.copy_to(&parked, message, failures.with_parked_at(now)).await?;
            if copied == Copied::Yes {
                tracing::error!(queue = queue_name, id, attempts, reason, "message parked");
                self.count(Outcome::Parked);
            }
            return Ok(copied);
        };
        let copied = self
            .copy_to(&Namespace::retry_queue(queue_name, *delay), message, failures)
            .await?;
        if copied == Copied::Yes {
            let retry_in_ms = delay.as_millis();
            tracing::warn!(
                queue = queue_name,
                id,
                attempts,
                reason,
                retry_in_ms,
                "message failed, will retry"
            );
            self.count(Outcome::Retried);
        }
        Ok(copied)
    }

    async fn copy_to(&mut self, queue: &str, message: &Message, failures: FailedAttempts) -> Result<Copied, Error> {
        let QueueConsumer {
            namespace,
            service,
            clock,
            ..
        } = self.consumer;
        let copy = OutgoingMessage {
            exchange: &namespace.copies_exchange(service),
            routing_key: queue,
            properties: failures.to_properties(message, self.publishers, clock.now()),
            body: &message.data,
        };
        match copy.publish_confirmed(&self.channel).await {
            Ok(()) => Ok(Copied::Yes),
            Err(error) if error.is_refused_message() => {
                let (from, id) = (&self.consumer.queue_name, message_id(message));
                tracing::error!(queue = from, id, %error, "broker refuses a copy of a failed message");
                // The broker has closed the channel.
                self.channel = confirming_channel(self.publishing).await?;
                Ok(Copied::Refused)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn count(&self, outcome: Outcome) {
        self.consumer.metrics.count_outcome(self.consumer.queue, outcome);
    }
}
