use std::{
    sync::{Arc, atomic::AtomicUsize},
    time::{Duration, Instant},
};

use db::Db;
use events::{Envelope, Event};
use futures_util::{FutureExt, StreamExt};
use lapin::{
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
    FailedMessage, FailedMessages, Queue,
    settlement::{Settlement, settle_failed},
};
#[cfg(feature = "torture-bugs")]
use crate::deliberate_bugs;
use crate::{
    ConsumeError, Error, EventHandler, Namespace,
    backoff::retry_backoff,
    bus_metrics::BusMetrics,
    connection::ConsumingConnection,
    message::{Message, messages_in, short_string, traceparent},
    ordered_join::join_in_order,
    publishers::{NoEvent, Publishers},
};

/// The number of messages that the broker sends ahead of their acknowledgement.
const PREFETCH: u16 = 256;

/// The maximum number of deliveries that are applied concurrently.
const MAX_DELIVERIES: usize = 64;

/// The size of the deliveries that are applied concurrently, in bytes, above which no further one is added: they share a
/// commit, and requests wait for it. A batch has about a kilobyte for each event.
const MAX_DELIVERED_BYTES: usize = 256 * 1024;

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

/// A delivery that is not settled yet: a message with one event, or a batch.
struct PendingDelivery {
    tag: u64,
    /// The events that are to be applied.
    events: Vec<ReceivedEvent>,
    /// The messages that failed.
    failed: Vec<FailedMessage>,
}

/// A message with a valid envelope.
struct ReceivedEvent {
    message: Message,
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
        consuming: &ConsumingConnection,
        copies: FailedMessages<'_>,
        publishers: &Publishers,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let channel = consuming.open_channel().await?;
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
            let first = first.ok_or_else(|| Error::Closed(self.queue_name.clone()))??;
            let mut bytes = first.data.len();
            let mut deliveries_ahead = vec![first];
            while deliveries_ahead.len() < MAX_DELIVERIES
                && bytes < MAX_DELIVERED_BYTES
                && let Some(Some(delivery)) = deliveries.next().now_or_never()
            {
                let delivery = delivery?;
                bytes += delivery.data.len();
                deliveries_ahead.push(delivery);
            }
            self.process(&settlement, deliveries_ahead, stop).await?;
        }
    }

    /// Applies each message, or hands it over to be retried or parked. Returns with unsettled deliveries only on `stop`.
    async fn process(
        &self,
        settlement: &Settlement<'_>,
        deliveries: Vec<Delivery>,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let (now, publishers) = (self.clock.now(), settlement.publishers);
        let mut pending: Vec<_> = deliveries
            .into_iter()
            .map(|delivery| self.parse(delivery, publishers, now))
            .collect();
        #[cfg(feature = "torture-bugs")]
        if deliberate_bugs::Bug::AckBeforeCommit.is_enabled() {
            let tags: Vec<_> = pending.iter().map(|delivery| delivery.tag).collect();
            settlement.acknowledge(&tags, true).await?;
        }
        let mut backoff = retry_backoff();
        let mut logged = false;
        while !pending.is_empty() {
            let outcomes = join_in_order(pending.into_iter().map(|delivery| self.apply(delivery))).await;
            let mut applied = Vec::with_capacity(outcomes.len());
            let mut unsettled = Vec::new();
            for (delivery, outage) in outcomes {
                if let Some(error) = outage {
                    if !logged {
                        tracing::warn!(queue = self.queue_name, %error, "database unavailable, messages wait");
                        logged = true;
                    }
                    unsettled.push(delivery);
                } else if delivery.failed.is_empty() {
                    applied.push(delivery.tag);
                } else {
                    settlement.fail(delivery.tag, delivery.failed);
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

    /// Returns the events of a delivery. Those that cannot be parsed, or whose publisher may not publish them, have failed: a
    /// retry would not help.
    fn parse(&self, delivery: Delivery, publishers: &Publishers, now: Timestamp) -> PendingDelivery {
        let mut pending = PendingDelivery {
            tag: delivery.delivery_tag,
            events: Vec::new(),
            failed: Vec::new(),
        };
        for message in messages_in(delivery.into()) {
            match publishers.event_in(&message, now) {
                Ok(envelope) => pending.events.push(ReceivedEvent {
                    message,
                    envelope: Arc::new(envelope),
                }),
                Err(reason) => {
                    if matches!(reason, NoEvent::Forbidden { .. }) {
                        self.metrics.count_forbidden(self.queue);
                    }
                    pending.failed.push(FailedMessage {
                        message,
                        reason: reason.to_string(),
                        is_retryable: false,
                    });
                }
            }
        }
        pending
    }

    /// Applies the events of a delivery: those of a batch in one command, or each in its own if that fails, so that an event
    /// that cannot be applied does not affect the others. Returns with those that failed, and with those that have to wait
    /// because of an outage of the database.
    async fn apply(&self, mut delivery: PendingDelivery) -> (PendingDelivery, Option<ConsumeError>) {
        if delivery.events.len() > 1 {
            match self.apply_together(&delivery.events).await {
                Ok(()) => {
                    delivery.events.clear();
                    return (delivery, None);
                }
                Err(error) if error.is_transient() => return (delivery, Some(error)),
                Err(_) => {}
            }
        }
        let events = std::mem::take(&mut delivery.events);
        let outcomes = join_in_order(
            events
                .iter()
                .map(|event| self.apply_together(std::slice::from_ref(event))),
        )
        .await;
        let mut outage = None;
        for (event, outcome) in events.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => {}
                Err(error) if error.is_transient() => {
                    delivery.events.push(event);
                    outage = Some(error);
                }
                Err(error) => delivery.failed.push(FailedMessage {
                    message: event.message,
                    reason: error.to_string(),
                    is_retryable: true,
                }),
            }
        }
        (delivery, outage)
    }

    /// Applies events in one command: all of them, or none.
    async fn apply_together(&self, events: &[ReceivedEvent]) -> Result<(), ConsumeError> {
        let (handler, now) = (self.handler.clone(), self.clock.now());
        let spans: Vec<_> = events.iter().map(|event| self.consumer_span(event)).collect();
        let attempts: Vec<_> = events
            .iter()
            .zip(&spans)
            .map(|(event, span)| (event.envelope.clone(), span.to_tracing()))
            .collect();
        let began = Instant::now();
        let write = self.db.write(move |tx| {
            for (envelope, span) in attempts {
                span.in_scope(|| handler(tx, now, &envelope))?;
            }
            Ok(())
        });
        // The write itself belongs to the trace of the first event.
        let applied = match spans.first() {
            Some(span) => write.instrument(span.to_tracing()).await,
            None => Ok(()),
        };
        match &applied {
            Ok(()) => {
                let (duration, now) = (began.elapsed(), self.clock.now());
                for event in events {
                    let lag = due_at(&event.envelope).until(now);
                    self.metrics.observe_applied(self.queue, duration, lag);
                }
            }
            Err(error) => spans.iter().for_each(|span| span.fail(error)),
        }
        applied
    }

    /// Creates the span of one attempt, in the trace of the publisher
    /// (<https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/>).
    fn consumer_span(&self, ReceivedEvent { message, envelope }: &ReceivedEvent) -> Span {
        let parent = traceparent(message).or_else(|| envelope.trace());
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
