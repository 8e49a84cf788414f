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
use tokio_util::sync::CancellationToken;
use trace::{Kind, Span};
use values::{Clock, Timestamp};

use crate::{
    ConsumeError, Error, EventHandler, Namespace, Queue,
    backoff::retry_backoff,
    connection::confirming_channel,
    failure::Failure,
    in_order::all_in_order,
    message::{Outgoing, TRACEPARENT, short, text},
    meters::{Meters, Outcome},
    topology::DEFAULT_EXCHANGE,
};

/// Messages that the broker sends ahead of their acknowledgement.
const PREFETCH: u16 = 256;

/// The most messages that are applied together.
const BATCH: usize = 64;

/// Applies the messages of one queue to the database.
pub(crate) struct Subscriber {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) namespace: Namespace,
    pub(crate) service: &'static str,
    pub(crate) kind: Queue,
    /// The queue's name.
    pub(crate) queue: String,
    pub(crate) reaction: EventHandler,
    /// How long a message that failed waits before it comes back: the first time, the second time …
    pub(crate) retries: [Duration; 3],
    pub(crate) meters: Meters,
}

/// A message that can be read.
struct Message {
    delivery: Delivery,
    envelope: Arc<Envelope>,
}

impl Subscriber {
    /// Consumes until `stop`, and finishes the batch in hand. What the broker has sent ahead goes back to the queue when
    /// the connection closes.
    pub(crate) async fn run(&self, connection: &Connection, stop: &CancellationToken) -> Result<(), Error> {
        let channel = confirming_channel(connection).await?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        let mut deliveries = channel
            .basic_consume(
                short(self.queue.as_str()),
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
            let mut batch = vec![first.ok_or_else(|| Error::Stopped(self.queue.clone()))??];
            while batch.len() < BATCH
                && let Some(Some(delivery)) = deliveries.next().now_or_never()
            {
                batch.push(delivery?);
            }
            self.handle(&channel, batch, stop).await?;
        }
    }

    /// Settles each message: applied, sent to wait for another attempt, or parked. Returns with some of them unsettled
    /// only on `stop`.
    async fn handle(&self, channel: &Channel, batch: Vec<Delivery>, stop: &CancellationToken) -> Result<(), Error> {
        let mut waiting = self.park_unreadable(channel, batch).await?;
        let mut backoff = retry_backoff();
        let mut told = false;
        while !waiting.is_empty() {
            let outcomes = all_in_order(waiting.iter().map(|message| self.apply(message))).await;
            let mut settled = Vec::with_capacity(waiting.len());
            let mut unsettled = Vec::new();
            for (message, outcome) in waiting.into_iter().zip(outcomes) {
                match outcome {
                    Err(error) if error.is_transient() => {
                        if !told {
                            tracing::warn!(queue = self.queue, %error, "messages wait for the database");
                            told = true;
                        }
                        unsettled.push(message);
                        continue;
                    }
                    Err(error) => self.put_aside(channel, &message.delivery, &error.to_string()).await?,
                    Ok(()) => {}
                }
                settled.push(message.delivery.delivery_tag);
            }
            acknowledge(channel, &settled, unsettled.is_empty()).await?;
            waiting = unsettled;
            if !waiting.is_empty() {
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(backoff.next_delay()) => {}
                }
            }
        }
        if told {
            tracing::info!(queue = self.queue, "messages are applied again");
        }
        Ok(())
    }

    async fn apply(&self, message: &Message) -> Result<(), ConsumeError> {
        let (reaction, envelope, now) = (self.reaction.clone(), message.envelope.clone(), self.clock.now());
        let mut step = self.step(message);
        let began = Instant::now();
        let applied = step
            .context()
            .scope(self.db.write(move |tx| reaction(tx, now, &envelope)))
            .await;
        match &applied {
            Ok(()) => {
                let due = due(&message.envelope);
                self.meters
                    .applied(self.kind, began.elapsed(), due.until(self.clock.now()));
            }
            Err(error) => step.fail(error),
        }
        applied
    }

    /// The step of handling a message, in the trace of what sent it; each attempt is one
    /// (<https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/>).
    fn step(&self, Message { delivery, envelope }: &Message) -> Span {
        let headers = delivery.properties.headers().as_ref();
        let sent = headers.and_then(|headers| text(headers, TRACEPARENT)?.parse().ok());
        let caller = sent.or_else(|| envelope.trace());
        let mut step = trace::context().enter(Kind::Consumer, format_args!("process {}", self.queue), caller);
        if step.is_recorded() {
            step.set("messaging.system", "rabbitmq");
            step.set("messaging.operation.type", "process");
            step.set("messaging.operation.name", "process");
            step.set("messaging.destination.name", self.queue.clone());
            step.set("messaging.rabbitmq.destination.routing_key", envelope.event.name());
            step.set("messaging.message.id", envelope.id.to_string());
        }
        step
    }

    /// What cannot be read will not be readable later.
    async fn park_unreadable(&self, channel: &Channel, batch: Vec<Delivery>) -> Result<Vec<Message>, Error> {
        let mut messages = Vec::with_capacity(batch.len());
        for delivery in batch {
            match Envelope::parse(&delivery.data) {
                Ok(envelope) => messages.push(Message {
                    delivery,
                    envelope: Arc::new(envelope),
                }),
                Err(malformed) => {
                    let failure = Failure::of(&delivery).again(&self.queue, self.clock.now(), &malformed.to_string());
                    self.park(channel, &delivery, failure).await?;
                    channel
                        .basic_ack(delivery.delivery_tag, BasicAckOptions::default())
                        .await?;
                }
            }
        }
        Ok(messages)
    }

    /// Sends a copy to wait for another attempt, or parks it after the last; the original may be acknowledged then.
    pub(crate) async fn put_aside(&self, channel: &Channel, delivery: &Delivery, reason: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let failure = Failure::of(delivery).again(&self.queue, now, reason);
        let retries = usize::try_from(failure.attempts).unwrap_or(usize::MAX) - 1;
        let Some(delay) = self.retries.get(retries) else {
            return self.park(channel, delivery, failure).await;
        };
        tracing::warn!(
            queue = self.queue,
            id = id(delivery),
            attempt = failure.attempts,
            reason,
            again_in_ms = delay.as_millis(),
            "a message failed"
        );
        self.meters.put_aside(self.kind, Outcome::Retried);
        let properties = failure.properties(delivery, now);
        let exchange = self.namespace.retry(*delay);
        Outgoing {
            exchange: &exchange,
            key: &self.queue,
            properties,
            body: &delivery.data,
        }
        .publish_confirmed(channel)
        .await
    }

    async fn park(&self, channel: &Channel, delivery: &Delivery, failure: Failure) -> Result<(), Error> {
        let Failure { attempts, reason, .. } = &failure;
        tracing::error!(
            queue = self.queue,
            id = id(delivery),
            attempts,
            reason,
            "a message is parked"
        );
        self.meters.put_aside(self.kind, Outcome::Parked);
        let now = self.clock.now();
        let properties = failure.parked(now).properties(delivery, now);
        let key = self.namespace.parked(self.service);
        Outgoing {
            exchange: DEFAULT_EXCHANGE,
            key: &key,
            properties,
            body: &delivery.data,
        }
        .publish_confirmed(channel)
        .await
    }
}

/// From when on it could have been applied: a timer is early rather than late until its deadline.
fn due(envelope: &Envelope) -> Timestamp {
    match &envelope.event {
        Event::ExpirationTimer(timer) => timer.deadline,
        _ => envelope.time,
    }
}

fn id(delivery: &Delivery) -> &str {
    delivery.properties.message_id().as_ref().map_or("", |id| id.as_str())
}

/// Acknowledges `tags`: with one frame, if they are `all` that is unacknowledged up to the last of them.
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
