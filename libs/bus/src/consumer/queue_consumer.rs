use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use db::Db;
use events::{Envelope, Event};
use futures_util::{FutureExt, StreamExt};
use lapin::{
    Channel, Connection,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use telemetry::{Span, SpanKind};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use values::{Clock, Timestamp};

use super::{FailedAttempts, Queue};
use crate::{
    ConsumeError, Error, EventHandler, Namespace,
    backoff::retry_backoff,
    bus_metrics::{BusMetrics, Outcome},
    connection::confirming_channel,
    message::{OutgoingMessage, TRACEPARENT, header_text, message_id, short_string},
    ordered_join::join_in_order,
    topology::DEFAULT_EXCHANGE,
};

/// The number of messages that the broker sends ahead of their acknowledgement.
const PREFETCH: u16 = 256;

/// The maximum number of messages that are applied concurrently.
const MAX_BATCH: usize = 64;

/// Consumes one queue and applies its messages to the database.
pub(crate) struct QueueConsumer {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) namespace: Namespace,
    pub(crate) service: &'static str,
    pub(crate) queue: Queue,
    /// The queue's name in the broker.
    pub(crate) queue_name: String,
    pub(crate) handler: EventHandler,
    /// The delays before the first, the second … retry.
    pub(crate) retry_delays: [Duration; 3],
    pub(crate) metrics: BusMetrics,
}

/// A message with a valid envelope.
struct Message {
    delivery: Delivery,
    envelope: Arc<Envelope>,
}

impl QueueConsumer {
    /// Consumes until `stop`, and then finishes the current batch. The broker requeues the messages that it has sent ahead
    /// when the connection closes.
    pub(crate) async fn run(&self, connection: &Connection, stop: &CancellationToken) -> Result<(), Error> {
        let channel = confirming_channel(connection).await?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        let mut deliveries = channel
            .basic_consume(
                short_string(self.queue_name.as_str()),
                "".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await?;
        loop {
            let first = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                first = deliveries.next() => first,
            };
            // The stream ends when the queue is deleted.
            let mut batch = vec![first.ok_or_else(|| Error::Closed(self.queue_name.clone()))??];
            while batch.len() < MAX_BATCH
                && let Some(Some(delivery)) = deliveries.next().now_or_never()
            {
                batch.push(delivery?);
            }
            self.process_batch(&channel, batch, stop).await?;
        }
    }

    /// Applies, retries or parks each message. Returns with unsettled messages only on `stop`.
    async fn process_batch(
        &self,
        channel: &Channel,
        batch: Vec<Delivery>,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let mut pending = self.park_malformed(channel, batch).await?;
        let mut backoff = retry_backoff();
        let mut logged = false;
        while !pending.is_empty() {
            let outcomes = join_in_order(pending.iter().map(|message| self.apply(message))).await;
            let mut settled = Vec::with_capacity(pending.len());
            let mut unsettled = Vec::new();
            for (message, outcome) in pending.into_iter().zip(outcomes) {
                match outcome {
                    Err(error) if error.is_transient() => {
                        if !logged {
                            tracing::warn!(queue = self.queue_name, %error, "database unavailable, messages wait");
                            logged = true;
                        }
                        unsettled.push(message);
                        continue;
                    }
                    Err(error) => {
                        self.retry_or_park(channel, &message.delivery, &error.to_string())
                            .await?;
                    }
                    Ok(()) => {}
                }
                settled.push(message.delivery.delivery_tag);
            }
            acknowledge(channel, &settled, unsettled.is_empty()).await?;
            pending = unsettled;
            if !pending.is_empty() {
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(backoff.next_delay()) => {}
                }
            }
        }
        if logged {
            tracing::info!(
                queue = self.queue_name,
                "database available, messages are applied again"
            );
        }
        Ok(())
    }

    async fn apply(&self, message: &Message) -> Result<(), ConsumeError> {
        let (handler, envelope, now) = (self.handler.clone(), message.envelope.clone(), self.clock.now());
        let span = self.consumer_span(message);
        let began = Instant::now();
        let write = self.db.write(move |tx| handler(tx, now, &envelope));
        let applied = write.instrument(span.to_tracing()).await;
        match &applied {
            Ok(()) => {
                let lag = due_at(&message.envelope).until(self.clock.now());
                self.metrics.observe_applied(self.queue, began.elapsed(), lag);
            }
            Err(error) => span.fail(error),
        }
        applied
    }

    /// Creates the span of one attempt, in the trace of the publisher
    /// (<https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/>).
    fn consumer_span(&self, Message { delivery, envelope }: &Message) -> Span {
        let headers = delivery.properties.headers().as_ref();
        let sent = headers.and_then(|headers| header_text(headers, TRACEPARENT)?.parse().ok());
        let parent = sent.or_else(|| envelope.trace());
        let name = format_args!("process {}", self.queue_name);
        let span = Span::entry(&tracing::Span::current(), SpanKind::Consumer, name, parent);
        if span.is_recording() {
            span.set("messaging.system", "rabbitmq");
            span.set("messaging.operation.type", "process");
            span.set("messaging.operation.name", "process");
            span.set("messaging.destination.name", self.queue_name.clone());
            span.set("messaging.rabbitmq.destination.routing_key", envelope.event.name());
            span.set("messaging.message.id", envelope.id.to_string());
        }
        span
    }

    /// Parks the messages that cannot be parsed: a retry would not help. Returns the others.
    async fn park_malformed(&self, channel: &Channel, batch: Vec<Delivery>) -> Result<Vec<Message>, Error> {
        let mut messages = Vec::with_capacity(batch.len());
        for delivery in batch {
            match Envelope::parse(&delivery.data) {
                Ok(envelope) => messages.push(Message {
                    delivery,
                    envelope: Arc::new(envelope),
                }),
                Err(malformed) => {
                    let failures = FailedAttempts::from_headers(&delivery).with_attempt(
                        &self.queue_name,
                        self.clock.now(),
                        &malformed.to_string(),
                    );
                    self.park(channel, &delivery, failures).await?;
                    channel
                        .basic_ack(delivery.delivery_tag, BasicAckOptions::default())
                        .await?;
                }
            }
        }
        Ok(messages)
    }

    /// Publishes a copy to a retry queue, or to the parked queue after the last attempt.
    ///
    /// When it returns, the broker has confirmed the copy, and the original can be acknowledged.
    pub(crate) async fn retry_or_park(
        &self,
        channel: &Channel,
        delivery: &Delivery,
        reason: &str,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let failures = FailedAttempts::from_headers(delivery).with_attempt(&self.queue_name, now, reason);
        let retries = usize::try_from(failures.count).unwrap_or(usize::MAX) - 1;
        let Some(delay) = self.retry_delays.get(retries) else {
            return self.park(channel, delivery, failures).await;
        };
        tracing::warn!(
            queue = self.queue_name,
            id = message_id(delivery),
            attempt = failures.count,
            reason,
            retry_in_ms = delay.as_millis(),
            "message failed, will retry"
        );
        self.metrics.count_outcome(self.queue, Outcome::Retried);
        OutgoingMessage {
            exchange: &self.namespace.retry(*delay),
            routing_key: &self.queue_name,
            properties: failures.to_properties(delivery, now),
            body: &delivery.data,
        }
        .publish_confirmed(channel)
        .await
    }

    async fn park(&self, channel: &Channel, delivery: &Delivery, failures: FailedAttempts) -> Result<(), Error> {
        tracing::error!(
            queue = self.queue_name,
            id = message_id(delivery),
            attempts = failures.count,
            reason = failures.reason,
            "message parked"
        );
        self.metrics.count_outcome(self.queue, Outcome::Parked);
        let now = self.clock.now();
        OutgoingMessage {
            exchange: DEFAULT_EXCHANGE,
            routing_key: &self.namespace.parked_queue(self.service),
            properties: failures.with_parked_at(now).to_properties(delivery, now),
            body: &delivery.data,
        }
        .publish_confirmed(channel)
        .await
    }
}

/// Returns the earliest time at which the message could be applied: a timer waits for its deadline.
fn due_at(envelope: &Envelope) -> Timestamp {
    match &envelope.event {
        Event::ExpirationTimer(timer) => timer.deadline,
        _ => envelope.time,
    }
}

/// Acknowledges `tags`. If they are `all` unacknowledged tags up to the last one, one frame is enough.
async fn acknowledge(channel: &Channel, tags: &[u64], all: bool) -> Result<(), Error> {
    match tags {
        [.., last] if all => channel.basic_ack(*last, BasicAckOptions { multiple: true }).await?,
        _ => {
            for tag in tags {
                channel.basic_ack(*tag, BasicAckOptions::default()).await?;
            }
        }
    }
    Ok(())
}
