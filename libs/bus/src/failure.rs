use lapin::{
    BasicProperties,
    message::Delivery,
    types::{AMQPValue, FieldTable},
};
use values::{EventId, Timestamp};

use crate::message::{PERSISTENT, TRACEPARENT, short, text};

const ATTEMPTS: &str = "x-attempt";
const REASON: &str = "x-reason";
const QUEUE: &str = "x-original-queue";
const FIRST_FAILED_AT: &str = "x-first-failed-at";
const PARKED_AT: &str = "x-parked-at";
/// RabbitMQ's, on a message that it gave up on itself.
const GIVEN_UP_BECAUSE: &str = "x-first-death-reason";

/// A reason longer than this, in characters, is cut off: headers must fit in one frame.
const LONGEST_REASON: usize = 1000;

/// What went wrong with a message so far. It travels in the message's headers: RabbitMQ's own count of deaths is not kept
/// when a message is published again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    /// How often it was tried.
    pub(crate) attempts: u32,
    pub(crate) reason: String,
    /// The queue where it failed.
    pub(crate) queue: Option<String>,
    pub(crate) first_failed_at: Option<Timestamp>,
    pub(crate) parked_at: Option<Timestamp>,
}

impl Failure {
    /// What is known about a message so far.
    pub(crate) fn of(delivery: &Delivery) -> Self {
        let none = FieldTable::default();
        let headers = delivery.properties.headers().as_ref().unwrap_or(&none);
        let attempts = headers.inner().get(ATTEMPTS).and_then(AMQPValue::as_long_uint);
        let moment = |name| text(headers, name).and_then(|text| text.parse().ok());
        Self {
            attempts: attempts.unwrap_or_default(),
            reason: text(headers, REASON)
                .or_else(|| text(headers, GIVEN_UP_BECAUSE))
                .unwrap_or_default(),
            queue: text(headers, QUEUE),
            first_failed_at: moment(FIRST_FAILED_AT),
            parked_at: moment(PARKED_AT),
        }
    }

    /// One more attempt at `queue` that came to nothing.
    pub(crate) fn again(self, queue: &str, now: Timestamp, reason: &str) -> Self {
        Self {
            attempts: self.attempts.saturating_add(1),
            reason: reason.chars().take(LONGEST_REASON).collect(),
            queue: Some(queue.to_owned()),
            first_failed_at: self.first_failed_at.or(Some(now)),
            parked_at: None,
        }
    }

    pub(crate) fn parked(self, now: Timestamp) -> Self {
        Self {
            parked_at: Some(now),
            ..self
        }
    }

    /// The properties of a copy of `delivery` that carries this failure.
    pub(crate) fn properties(&self, delivery: &Delivery, now: Timestamp) -> BasicProperties {
        let mut headers = unfailed_headers(delivery);
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                headers.insert(name.into(), AMQPValue::LongString(value.into()));
            }
        };
        put(REASON, Some(self.reason.clone()));
        put(QUEUE, self.queue.clone());
        put(FIRST_FAILED_AT, self.first_failed_at.map(|at| at.to_string()));
        put(PARKED_AT, self.parked_at.map(|at| at.to_string()));
        headers.insert(ATTEMPTS.into(), AMQPValue::LongUInt(self.attempts));
        properties(delivery, headers, now)
    }
}

/// The properties of a copy of `delivery` as if it had never failed.
pub(crate) fn unfailed(delivery: &Delivery, now: Timestamp) -> BasicProperties {
    properties(delivery, unfailed_headers(delivery), now)
}

fn unfailed_headers(delivery: &Delivery) -> FieldTable {
    let mut headers = FieldTable::default();
    let trace = delivery
        .properties
        .headers()
        .as_ref()
        .and_then(|headers| text(headers, TRACEPARENT));
    if let Some(trace) = trace {
        headers.insert(TRACEPARENT.into(), AMQPValue::LongString(trace.into()));
    }
    headers
}

/// Written anew rather than copied: a time to live, say, would let the broker drop what we keep.
fn properties(delivery: &Delivery, headers: FieldTable, now: Timestamp) -> BasicProperties {
    let original = &delivery.properties;
    // An operator names a parked message by its id, so each has one.
    let id = original.message_id().clone().filter(|id| !id.as_str().is_empty());
    let mut copy = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_message_id(id.unwrap_or_else(|| short(EventId::new(now).to_string())))
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
