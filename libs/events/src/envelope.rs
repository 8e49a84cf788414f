use serde::{Deserialize, Serialize};
use trace::Trace;
use values::{EventId, Timestamp};

use crate::Event;

/// An event on its way: a [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md)
/// message in structured JSON, with the distributed tracing extension.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Envelope {
    specversion: SpecVersion,
    /// Names this message; a redelivery carries the same.
    pub id: EventId,
    /// The service that says it: `/ticketing/order`.
    pub source: String,
    /// The aggregate's id.
    pub subject: String,
    /// When it happened.
    pub time: Timestamp,
    datacontenttype: ContentType,
    /// The step that says it, as [`Trace`] writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    /// What happened.
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

/// A message that is none of ours, or not as its contract says.
#[derive(Debug, thiserror::Error)]
#[error("malformed event: {0}")]
pub struct Malformed(#[from] serde_json::Error);

impl Envelope {
    /// Wraps what `service` says, as part of the trace that runs now.
    pub fn new(service: &str, now: Timestamp, event: Event) -> Self {
        Self {
            specversion: SpecVersion::V1,
            id: EventId::new(now),
            source: format!("/ticketing/{service}"),
            subject: event.subject(),
            time: now,
            datacontenttype: ContentType::Json,
            traceparent: trace::current().map(|trace| trace.to_string()),
            event,
        }
    }

    /// Reads a message.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        Ok(serde_json::from_slice(body)?)
    }

    /// The message's body.
    pub fn to_json(&self) -> String {
        // A struct of strings and integers always has a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The trace that it belongs to.
    pub fn trace(&self) -> Option<Trace> {
        self.traceparent.as_deref()?.parse().ok()
    }
}
