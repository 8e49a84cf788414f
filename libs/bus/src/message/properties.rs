use lapin::types::{AMQPValue, FieldTable, ShortString};
use telemetry::Traceparent;

use super::Message;

/// [CloudEvents AMQP binding](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/amqp-protocol-binding.md),
/// structured mode.
pub(crate) const CONTENT_TYPE: &str = "application/cloudevents+json";

/// The content type of a message with several events
/// ([batched mode](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#4-json-batch-format)).
pub(crate) const BATCH_CONTENT_TYPE: &str = "application/cloudevents-batch+json";

/// The header of a [W3C trace context](https://www.w3.org/TR/trace-context/).
pub(crate) const TRACEPARENT: &str = "traceparent";

/// The header of a message whose properties cannot be read, with the reason. It replaces them before lapin parses them.
pub(crate) const UNREADABLE: &str = "x-unreadable";

/// The header of a copy with the user that published the original; empty if that is unknown.
pub(crate) const ORIGINAL_PUBLISHER: &str = "x-publisher";

/// The header with which RabbitMQ delivers the position of a message in a stream.
pub(crate) const STREAM_OFFSET: &str = "x-stream-offset";

/// AMQP 0-9-1: a message with this delivery mode survives a restart of the broker.
pub(crate) const PERSISTENT: u8 = 2;

/// Converts a name for the broker. AMQP limits names to 255 bytes; ours, and those from RabbitMQ, are far shorter.
pub(crate) fn short_string(text: impl Into<String>) -> ShortString {
    ShortString::try_new(text).unwrap_or_default()
}

/// Returns the text of a header.
pub(crate) fn header_text(headers: &FieldTable, name: &str) -> Option<String> {
    match headers.inner().get(name)? {
        AMQPValue::LongString(text) => Some(text.to_string()),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

/// Returns the trace context in the headers of a message. Any other text in that header is ignored.
pub(crate) fn traceparent(message: &Message) -> Option<Traceparent> {
    let headers = message.properties.headers().as_ref()?;
    header_text(headers, TRACEPARENT)?.parse().ok()
}

/// Returns the id of a message, or an empty text if it has none.
pub(crate) fn message_id(message: &Message) -> &str {
    message.properties.message_id().as_ref().map_or("", |id| id.as_str())
}

/// Returns why the properties of a message cannot be read, or `None` if they can.
pub(crate) fn unreadable_reason(message: &Message) -> Option<String> {
    header_text(message.properties.headers().as_ref()?, UNREADABLE)
}

/// Returns the position of a message in the journal.
pub(crate) fn stream_offset(message: &Message) -> Option<i64> {
    let headers = message.properties.headers().as_ref()?;
    headers.inner().get(STREAM_OFFSET)?.as_long_long_int()
}
