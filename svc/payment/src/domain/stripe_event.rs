//! An event that Stripe sends to the webhook (<https://docs.stripe.com/webhooks>).
//!
//! An event only names a payment to check. Its content is not applied, so late, reordered and lost events do no harm.

use serde::Deserialize;
use values::{PaymentId, text_enum};

use super::IntentStatus;

/// The event types that name a changed intent, or a change of its captured money: those to register the webhook for.
pub const HANDLED_EVENT_TYPES: [&str; 16] = [
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.updated",
    "charge.refund.updated",
    "charge.refunded",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.succeeded",
    "refund.created",
    "refund.failed",
    "refund.updated",
];

/// The fields of an event that the service uses (<https://docs.stripe.com/api/events/object>).
#[derive(Debug, Deserialize)]
pub(crate) struct StripeEvent {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    data: EventData,
}

#[derive(Debug, Deserialize)]
struct EventData {
    object: serde_json::Value,
}

text_enum! {
    /// What a Stripe event led to: a label of a metric.
    pub(crate) enum EventOutcome {
        /// The payment will be checked.
        CheckRequested = "noted",
        /// The event confirms the known state.
        Confirmed = "known",
        /// The event arrived before.
        Duplicate = "repeated",
        /// The event is about no payment of this service.
        Unrelated = "strange",
        /// The event's type is not handled.
        Ignored = "ignored",
        /// The event is not signed by Stripe, or too old.
        Refused = "refused",
    }
}

impl StripeEvent {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The event's type, such as `payment_intent.succeeded`.
    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    pub(crate) fn is_handled(&self) -> bool {
        HANDLED_EVENT_TYPES.contains(&self.kind())
    }

    /// Whether it is about captured money rather than about the intent itself.
    pub(crate) fn is_about_funds(&self) -> bool {
        !self.kind.starts_with("payment_intent.")
    }

    /// Whether captured money may have returned to the account, such as that of a refund that failed. `charge.refunded`, which
    /// also follows each void, shows the opposite.
    pub(crate) fn may_return_money(&self) -> bool {
        self.is_about_funds() && self.kind != "charge.refunded"
    }

    /// The intent that it names; empty if there is none.
    pub(crate) fn intent_id(&self) -> &str {
        self.text(if self.is_about_funds() {
            "/payment_intent"
        } else {
            "/id"
        })
    }

    /// The status of the intent when the event was created. An event about funds has the status of another object.
    pub(crate) fn intent_status(&self) -> IntentStatus {
        if self.is_about_funds() {
            return IntentStatus::Succeeded;
        }
        IntentStatus::from_stripe(self.text("/status"))
    }

    /// The payment named in the metadata.
    pub(crate) fn payment_id(&self) -> Option<PaymentId> {
        self.text("/metadata/payment_id").parse().ok()
    }

    /// The id by which a card counts that was declined in the buyer's browser: that of its charge, or of the event where there
    /// is no charge.
    pub(crate) fn declined_charge(&self) -> Option<&str> {
        let charge = Some(self.text("/latest_charge")).filter(|charge| !charge.is_empty());
        (self.kind == "payment_intent.payment_failed").then_some(charge.unwrap_or(&self.id))
    }

    fn text(&self, pointer: &str) -> &str {
        let value = self.data.object.pointer(pointer);
        value.and_then(serde_json::Value::as_str).unwrap_or_default()
    }
}
