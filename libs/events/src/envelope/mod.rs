use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::value::RawValue;
use telemetry::Traceparent;
use values::{EventId, Timestamp};

use crate::Event;

mod parse;

/// A message with one event: a [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md)
/// envelope in structured JSON, with the distributed tracing extension.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Envelope {
    specversion: SpecVersion,
    /// The message's id; a redelivery has the same.
    pub id: EventId,
    /// The service that publishes it: `/ticketing/order`.
    pub source: String,
    /// The aggregate's id.
    pub subject: String,
    /// When the event happened.
    pub time: Timestamp,
    datacontenttype: ContentType,
    /// The publishing span, as [`Traceparent`] writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum SpecVersion {
    #[serde(rename = "1.0")]
    V1,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum ContentType {
    #[serde(rename = "application/json")]
    Json,
}

/// A message that violates its contract.
#[derive(Debug, thiserror::Error)]
#[error("malformed event: {0}")]
pub struct Malformed(#[from] serde_json::Error);

/// Returns a body as text. `serde_json` would check each string of it by itself.
fn text(body: &[u8]) -> Result<&str, Malformed> {
    str::from_utf8(body).map_err(|error| Malformed(serde_json::Error::custom(error)))
}

impl Envelope {
    /// Returns a message of `service` with a new id, as part of the current trace.
    pub fn new(service: &str, now: Timestamp, event: Event) -> Self {
        Self {
            specversion: SpecVersion::V1,
            id: EventId::new(now),
            source: format!("/ticketing/{service}"),
            subject: event.subject(),
            time: now,
            datacontenttype: ContentType::Json,
            traceparent: telemetry::current_traceparent().map(|trace| trace.to_string()),
            event,
        }
    }

    /// Parses the body of a message.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        Ok(serde_json::from_str(text(body)?)?)
    }

    /// Splits the body of a message with several events (the
    /// [JSON batch format](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#4-json-batch-format))
    /// into the bodies of messages with one event each.
    pub fn split_batch(body: &[u8]) -> Result<Vec<&str>, Malformed> {
        let events: Vec<&RawValue> = serde_json::from_str(text(body)?)?;
        Ok(events.into_iter().map(RawValue::get).collect())
    }

    /// Returns the body of the message.
    pub fn to_json(&self) -> String {
        // A struct of strings and integers always has a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Returns the trace that the message belongs to.
    pub fn trace(&self) -> Option<Traceparent> {
        self.traceparent.as_deref()?.parse().ok()
    }
}
