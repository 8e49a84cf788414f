use std::{
    sync::{Arc, atomic::AtomicUsize},
    time::{Duration, Instant},
};

use db::Db;
use events::{Envelope, Event};
use futures_util::{FutureExt, StreamExt};
use lapin::{
    Connection,
    message::Delivery,
    options::{BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use telemetry::{Span, SpanKind};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use values::{Clock, Timestamp};

use super::{
    FailedMessages, Queue,
    settlement::{Settlement, settle_failed},
};
#[cfg(feature = "torture-bugs")]
use crate::deliberate_bugs;
use crate::{
    ConsumeError, Error, EventHandler, Namespace,
    backoff::retry_backoff,
    bus_metrics::BusMetrics,
    message::{short_string, traceparent},
    ordered_join::join_in_order,
    publishers::{NoEvent, Publishers},
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
    ///
    /// Acknowledges on `consuming`, and publishes failed messages with `copies`, which is open: while the broker blocks
    /// publishing, it cannot be opened on a connection that has published.
    pub(crate) async fn run(
        &self,
        consuming: &Connection,
        copies: FailedMessages<'_>,
        publishers: &Publishers,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let channel = consuming.create_channel().await?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        let deliveries = channel
            .basic_consume(
                short_string(self.queue_name.as_str()),
                "".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await?;
        let (sender, failed) = mpsc::unbounded_channel();
        let uncopied = AtomicUsize::new(0);
        let settlement = Settlement {
            channel: &channel,
            publishers,
            failed: sender,
            uncopied: &uncopied,
        };
        tokio::try_join!(
            self.consume(deliveries, settlement, stop),
            settle_failed(&channel, failed, &uncopied, copies)
        )?;
        Ok(())
    }

    /// Consumes until `stop`. It drops `settlement` at the end, which ends the copying after the last failed message.
    async fn consume(
        &self,
        mut deliveries: lapin::Consumer,
        settlement: Settlement<'_>,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
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
            self.process_batch(&settlement, batch, stop).await?;
        }
    }

    /// Applies each message, or hands it over to be retried or parked. Returns with unsettled messages only on `stop`.
    async fn process_batch(
        &self,
        settlement: &Settlement<'_>,
        batch: Vec<Delivery>,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let mut pending = self.set_malformed_aside(settlement, batch);
        #[cfg(feature = "torture-bugs")]
        if deliberate_bugs::Bug::AckBeforeCommit.is_enabled() {
            let tags: Vec<_> = pending.iter().map(|message| message.delivery.delivery_tag).collect();
            settlement.acknowledge(&tags, true).await?;
        }
        let mut backoff = retry_backoff();
        let mut logged = false;
        while !pending.is_empty() {
            let outcomes = join_in_order(pending.iter().map(|message| self.apply(message))).await;
            let mut applied = Vec::with_capacity(pending.len());
            let mut unsettled = Vec::new();
            for (message, outcome) in pending.into_iter().zip(outcomes) {
                match outcome {
                    Err(error) if error.is_transient() => {
                        if !logged {
                            tracing::warn!(queue = self.queue_name, %error, "database unavailable, messages wait");
                            logged = true;
                        }
                        unsettled.push(message);
                    }
                    Err(error) => settlement.fail(message.delivery, error.to_string(), true),
                    Ok(()) => applied.push(message.delivery.delivery_tag),
                }
            }
            #[cfg(feature = "torture-bugs")]
            applied.retain(|_| !deliberate_bugs::Bug::AckBeforeCommit.is_enabled());
            settlement.acknowledge(&applied, unsettled.is_empty()).await?;
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

    /// Hands over the messages that cannot be parsed, or whose publisher may not publish them: a retry would not help. Returns
    /// the others.
    fn set_malformed_aside(&self, settlement: &Settlement<'_>, batch: Vec<Delivery>) -> Vec<Message> {
        let now = self.clock.now();
        let mut messages = Vec::with_capacity(batch.len());
        for delivery in batch {
            match settlement.publishers.event_in(&delivery, now) {
                Ok(envelope) => messages.push(Message {
                    delivery,
                    envelope: Arc::new(envelope),
                }),
                Err(reason) => {
                    if matches!(reason, NoEvent::Forbidden { .. }) {
                        self.metrics.count_forbidden(self.queue);
                    }
                    settlement.fail(delivery, reason.to_string(), false);
                }
            }
        }
        messages
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
        let parent = traceparent(delivery).or_else(|| envelope.trace());
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
}

/// Returns the earliest time at which the message could be applied: a timer waits for its deadline.
fn due_at(envelope: &Envelope) -> Timestamp {
    match &envelope.event {
        Event::ExpirationTimer(timer) => timer.deadline,
        _ => envelope.time,
    }
}
