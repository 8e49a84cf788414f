//! Reads the events that Stripe sends to the webhook, and counts them.

use std::sync::Arc;

use metrics::{Counter, Labelled, MetricsRegistry, counters};
use values::Timestamp;

use super::signature::{SignatureError, SigningSecrets};
use crate::domain::{EventOutcome, HANDLED_EVENT_TYPES, StripeEvent};

/// Reads Stripe events. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct WebhookReceiver {
    secrets: Arc<SigningSecrets>,
    events: Labelled<Counter, 2>,
}

/// Why a webhook is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebhookError {
    #[error(transparent)]
    Signature(#[from] SignatureError),
    #[error("the body is no event of Stripe: {0}")]
    Json(#[from] serde_json::Error),
}

impl WebhookReceiver {
    pub(crate) fn new(secrets: SigningSecrets, metrics: &MetricsRegistry) -> Self {
        let types = HANDLED_EVENT_TYPES.into_iter().chain([OTHER_TYPE]);
        let labels = types.flat_map(|kind| {
            EventOutcome::ALL
                .iter()
                .map(move |outcome| [("type", kind), ("effect", outcome.as_str())])
        });
        let events = counters(labels);
        metrics.register(
            "ticketing_stripe_events",
            "Events received from Stripe, by outcome",
            events.clone(),
        );
        Self {
            secrets: Arc::new(secrets),
            events,
        }
    }

    /// Whether a signing secret is configured. Without one no event can be verified.
    pub(crate) fn is_configured(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// Verifies and reads an event.
    pub(crate) fn read(&self, body: &[u8], signature: &str, now: Timestamp) -> Result<StripeEvent, WebhookError> {
        if let Err(error) = self.secrets.verify(body, signature, now) {
            self.count(OTHER_TYPE, EventOutcome::Refused);
            return Err(error.into());
        }
        Ok(serde_json::from_slice(body)?)
    }

    /// Counts an event.
    pub(crate) fn count(&self, kind: &str, outcome: EventOutcome) {
        let kind = HANDLED_EVENT_TYPES
            .into_iter()
            .find(|handled| *handled == kind)
            .unwrap_or(OTHER_TYPE);
        self.events
            .get_or_create(&[("type", kind), ("effect", outcome.as_str())])
            .inc();
    }
}

/// The label of all types that are not handled.
const OTHER_TYPE: &str = "other";
