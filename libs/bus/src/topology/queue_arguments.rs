use std::{collections::BTreeMap, time::Duration};

use lapin::types::{AMQPValue, FieldTable};

/// The exchange to which every queue is bound by its name (AMQP 0-9-1, section 3.1.3.1).
pub(crate) const DEFAULT_EXCHANGE: &str = "";

/// The arguments of a queue (<https://www.rabbitmq.com/docs/quorum-queues>).
pub(super) struct QueueArguments(BTreeMap<&'static str, AMQPValue>);

/// Deliveries of a message before RabbitMQ drops it. RabbitMQ 4's default is 20, and each loss of a connection and each
/// listing of parked messages is a delivery. Attempts are counted in the messages' headers instead.
const DELIVERY_LIMIT: i64 = 1_000_000;

/// How long the journal stores an event.
const JOURNAL_MAX_AGE: &str = "6h";

/// The maximum size of the journal, in bytes.
const JOURNAL_MAX_BYTES: i64 = 4_000_000_000;

/// The size of the journal's segments, in bytes. A stream is truncated by whole segments.
const JOURNAL_SEGMENT_BYTES: i64 = 50_000_000;

impl QueueArguments {
    /// A quorum queue: replicated if there are several brokers, and always stored on disk.
    pub(super) fn durable() -> Self {
        Self(BTreeMap::from([
            ("x-queue-type", long_string("quorum")),
            ("x-delivery-limit", AMQPValue::LongLongInt(DELIVERY_LIMIT)),
        ]))
    }

    /// A stream: reading does not remove its messages (<https://www.rabbitmq.com/docs/streams#retention>).
    pub(super) fn journal() -> Self {
        Self(BTreeMap::from([
            ("x-queue-type", long_string("stream")),
            ("x-max-age", long_string(JOURNAL_MAX_AGE)),
            ("x-max-length-bytes", AMQPValue::LongLongInt(JOURNAL_MAX_BYTES)),
            (
                "x-stream-max-segment-size-bytes",
                AMQPValue::LongLongInt(JOURNAL_SEGMENT_BYTES),
            ),
        ]))
    }

    pub(super) fn ttl(mut self, delay: Duration) -> Self {
        let millis = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        self.0.insert("x-message-ttl", AMQPValue::LongLongInt(millis));
        self
    }

    /// Dead-letters to another queue, at least once: a message is kept until that queue has confirmed it
    /// (<https://www.rabbitmq.com/docs/quorum-queues#dead-lettering>).
    ///
    /// The key is always that of the queue. With the message's own routing key, 32 messages whose key names no queue would
    /// be retried by the broker for ever, and no other message would leave the queue.
    pub(super) fn dead_letter_to(mut self, queue: &str) -> Self {
        self.0.insert("x-dead-letter-exchange", long_string(DEFAULT_EXCHANGE));
        self.0.insert("x-dead-letter-routing-key", long_string(queue));
        self.0.insert("x-dead-letter-strategy", long_string("at-least-once"));
        // Required by that strategy; the queue has no length limit.
        self.0.insert("x-overflow", long_string("reject-publish"));
        self
    }

    pub(super) fn to_table(&self) -> FieldTable {
        self.0.iter().fold(FieldTable::default(), |mut table, (name, value)| {
            table.insert((*name).into(), value.clone());
            table
        })
    }
}

pub(super) fn long_string(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}
