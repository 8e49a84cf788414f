use lapin::{
    Channel, Connection,
    options::{BasicAckOptions, BasicGetOptions, BasicNackOptions},
};
use values::Clock;

use super::ParkedMessage;
use crate::{
    AmqpUrl, Error, Namespace,
    connection::{Purpose, close, confirming_channel, connect, with_timeout},
    consumer::{FailedAttempts, properties_without_failures},
    message::{Message, OutgoingMessage, message_id, messages_in, short_string},
    publishers::Publishers,
    topology::services_with_queues,
};

/// A service's queue of parked messages, opened for one pass over its messages.
///
/// Messages that are not removed return to the queue when the connection closes, even after a crash.
pub(super) struct ParkedQueue {
    connection: Connection,
    channel: Channel,
    name: String,
    copies_exchange: String,
    publishers: Publishers,
    events_queue: String,
    due_queue: String,
    /// The number of messages of this pass that are still to be read; `None` before the first message.
    remaining: Option<u32>,
}

/// A delivery of a parked queue: one message, or a batch that the broker parked.
pub(super) struct ParkedDelivery {
    pub(super) tag: u64,
    pub(super) messages: Vec<Message>,
}

impl ParkedQueue {
    /// Opens the queue. Returns `None` for a service that has none because it does not consume.
    pub(super) async fn open(url: &AmqpUrl, namespace: &Namespace, service: &str) -> Result<Option<Self>, Error> {
        if !services_with_queues().contains(&service) {
            return Ok(None);
        }
        let name = namespace.parked_queue(service);
        let connection = connect(url, &name, Purpose::Receiving).await?;
        let channel = confirming_channel(&connection).await?;
        Ok(Some(Self {
            connection,
            channel,
            name,
            copies_exchange: namespace.copies_exchange(service),
            publishers: Publishers::new(url, service, None),
            events_queue: namespace.service_queue(service),
            due_queue: namespace.due_queue(service),
            remaining: None,
        }))
    }

    /// Returns the next delivery.
    ///
    /// The pass ends with the messages that were in the queue at its beginning: a redriven message that fails again would
    /// otherwise be redriven for ever.
    pub(super) async fn next(&mut self) -> Result<Option<ParkedDelivery>, Error> {
        if self.remaining == Some(0) {
            return Ok(None);
        }
        let message = self
            .channel
            .basic_get(short_string(self.name.as_str()), BasicGetOptions::default());
        let message = with_timeout(async { message.await.map_err(|error| Error::about(&self.name, error)) }).await?;
        Ok(message.map(|message| {
            self.remaining = Some(self.remaining.map_or(message.message_count, |remaining| remaining - 1));
            ParkedDelivery {
                tag: message.delivery.delivery_tag,
                messages: messages_in(message.delivery.into()),
            }
        }))
    }

    /// Publishes a copy without failed attempts to the queue that the message was consumed from.
    pub(super) async fn publish_to_origin(&self, message: &Message) -> Result<(), Error> {
        let copy = OutgoingMessage {
            exchange: &self.copies_exchange,
            routing_key: self.origin(&FailedAttempts::from_headers(message)),
            properties: properties_without_failures(message, &self.publishers, Clock::system().now()),
            body: &message.data,
        };
        // The broker may block publishing.
        with_timeout(copy.publish_confirmed(&self.channel)).await
    }

    /// Publishes a copy with its failed attempts to this queue. It is not read again in this pass.
    pub(super) async fn park_again(&self, message: &Message) -> Result<(), Error> {
        let failures = FailedAttempts::from_headers(message);
        let copy = OutgoingMessage {
            exchange: &self.copies_exchange,
            routing_key: &self.name,
            properties: failures.to_properties(message, &self.publishers, Clock::system().now()),
            body: &message.data,
        };
        with_timeout(copy.publish_confirmed(&self.channel)).await
    }

    /// Removes a delivery from the queue.
    pub(super) async fn remove(&self, tag: u64) -> Result<(), Error> {
        Ok(self.channel.basic_ack(tag, BasicAckOptions::default()).await?)
    }

    /// Returns the messages that were not removed to the queue, and disconnects.
    pub(super) async fn close(self) -> Result<(), Error> {
        /// AMQP 0-9-1, basic.nack: zero with `multiple` means all outstanding messages.
        const ALL: u64 = 0;
        let options = BasicNackOptions {
            multiple: true,
            requeue: true,
        };
        self.channel.basic_nack(ALL, options).await?;
        // Its response comes after the broker has requeued the messages.
        self.channel.close(200, "done".into()).await?;
        close(&self.connection).await;
        Ok(())
    }

    pub(super) fn to_parked_message(&self, message: &Message) -> ParkedMessage {
        let failures = FailedAttempts::from_headers(message);
        ParkedMessage {
            id: message_id(message).to_owned(),
            event_type: message
                .properties
                .kind()
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            subject: events::Envelope::parse(&message.data)
                .ok()
                .map(|envelope| envelope.subject),
            attempts: failures.count,
            queue: self.origin(&failures).to_owned(),
            reason: failures.reason,
            first_failed_at: failures.first_failed_at,
            parked_at: failures.parked_at,
            body: String::from_utf8_lossy(&message.data).into_owned(),
        }
    }

    /// Returns the queue that a message was consumed from. Without a header it is the queue of events.
    fn origin(&self, failures: &FailedAttempts) -> &str {
        if failures.queue.as_ref() == Some(&self.due_queue) {
            &self.due_queue
        } else {
            &self.events_queue
        }
    }
}
