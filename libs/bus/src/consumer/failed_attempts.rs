use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable},
};
use values::{EventId, Timestamp};

use crate::{
    message::{
        Message, ORIGINAL_PUBLISHER, PERSISTENT, TRACEPARENT, UNREADABLE, header_text, message_id, short_string,
        traceparent,
    },
    publishers::Publishers,
};

const ATTEMPTS: &str = "x-attempt";
const REASON: &str = "x-reason";
const QUEUE: &str = "x-original-queue";
const FIRST_FAILED_AT: &str = "x-first-failed-at";
const PARKED_AT: &str = "x-parked-at";
/// Set by RabbitMQ on a message that it dead-lettered.
const DEAD_LETTER_REASON: &str = "x-first-death-reason";

/// Limits the stored reason, in bytes, so that the headers of a copy fit in any frame: the smallest is 4 KiB.
const MAX_REASON_BYTES: usize = 2000;

/// The failed attempts to process a message.
///
/// They are stored in the message's headers: RabbitMQ's own count is lost when a message is published again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FailedAttempts {
    pub(crate) count: u32,
    /// The error of the last attempt.
    pub(crate) reason: String,
    /// The queue that the message was consumed from.
    pub(crate) queue: Option<String>,
    pub(crate) first_failed_at: Option<Timestamp>,
    pub(crate) parked_at: Option<Timestamp>,
}

impl FailedAttempts {
    /// Reads the headers of a message.
    pub(crate) fn from_headers(message: &Message) -> Self {
        let none = FieldTable::default();
        let headers = message.properties.headers().as_ref().unwrap_or(&none);
        let count = headers.inner().get(ATTEMPTS).and_then(AMQPValue::as_long_uint);
        let timestamp = |name| header_text(headers, name).and_then(|text| text.parse().ok());
        Self {
            count: count.unwrap_or_default(),
            reason: header_text(headers, REASON)
                .or_else(|| header_text(headers, UNREADABLE))
                .or_else(|| header_text(headers, DEAD_LETTER_REASON))
                .unwrap_or_default(),
            queue: header_text(headers, QUEUE),
            first_failed_at: timestamp(FIRST_FAILED_AT),
            parked_at: timestamp(PARKED_AT),
        }
    }

    /// Adds a failed attempt at `queue`.
    pub(crate) fn with_attempt(self, queue: &str, now: Timestamp, reason: &str) -> Self {
        Self {
            count: self.count.saturating_add(1),
            reason: reason[..reason.floor_char_boundary(MAX_REASON_BYTES)].to_owned(),
            queue: Some(queue.to_owned()),
            first_failed_at: self.first_failed_at.or(Some(now)),
            parked_at: None,
        }
    }

    pub(crate) fn with_parked_at(self, now: Timestamp) -> Self {
        Self {
            parked_at: Some(now),
            ..self
        }
    }

    /// Returns the properties of a copy of `message` with these failures in its headers.
    pub(crate) fn to_properties(&self, message: &Message, publishers: &Publishers, now: Timestamp) -> BasicProperties {
        let mut headers = headers_without_failures(message, publishers);
        let mut insert = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                headers.insert(name.into(), AMQPValue::LongString(value.into()));
            }
        };
        insert(REASON, Some(self.reason.clone()));
        insert(QUEUE, self.queue.clone());
        insert(FIRST_FAILED_AT, self.first_failed_at.map(|at| at.to_string()));
        insert(PARKED_AT, self.parked_at.map(|at| at.to_string()));
        headers.insert(ATTEMPTS.into(), AMQPValue::LongUInt(self.count));
        copied_properties(message, headers, publishers, now)
    }
}

/// Returns the properties of a copy of `message` without failed attempts.
pub(crate) fn properties_without_failures(
    message: &Message,
    publishers: &Publishers,
    now: Timestamp,
) -> BasicProperties {
    copied_properties(message, headers_without_failures(message, publishers), publishers, now)
}

fn headers_without_failures(message: &Message, publishers: &Publishers) -> FieldTable {
    let mut headers = FieldTable::default();
    // The copy is published by this service, also if another one published the original.
    let publisher = publishers.publisher_of(message).unwrap_or_default();
    headers.insert(ORIGINAL_PUBLISHER.into(), AMQPValue::LongString(publisher.into()));
    if let Some(trace) = traceparent(message) {
        headers.insert(TRACEPARENT.into(), AMQPValue::LongString(trace.to_string().into()));
    }
    headers
}

/// Copies only the properties that are needed: with a time to live, say, the broker could drop the copy. Headers are ours
/// alone, and bounded: those of the original may be as large as a frame, and the broker adds more whenever it dead-letters.
fn copied_properties(
    message: &Message,
    headers: FieldTable,
    publishers: &Publishers,
    now: Timestamp,
) -> BasicProperties {
    let original = &message.properties;
    // A parked message is addressed by its id, so each message gets one.
    let id = match message_id(message) {
        "" => EventId::new(now).to_string(),
        id => id.to_owned(),
    };
    let mut copy = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_message_id(short_string(id))
        .with_user_id(publishers.user_id())
        .with_headers(headers);
    if let Some(content_type) = original.content_type() {
        copy = copy.with_content_type(content_type.clone());
    }
    if let Some(kind) = original.kind() {
        copy = copy.with_type(kind.clone());
    }
    if let Some(timestamp) = original.timestamp() {
        copy = copy.with_timestamp(*timestamp);
    }
    copy
}
