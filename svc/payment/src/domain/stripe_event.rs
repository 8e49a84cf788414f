//! What Stripe tells unasked (<https://docs.stripe.com/webhooks>): an event is read once, and only points at an intent.
//!
//! How the intent is now is asked of Stripe: so it does not matter in which order events come, how late, or whether one is
//! lost.

use serde::Deserialize;

/// The types of events that point at an intent which may have changed, or at what has become of its money.
pub(crate) const POINTING: [&str; 16] = [
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

/// An event (<https://docs.stripe.com/api/events/object>), as far as it matters here.
#[derive(Debug, Deserialize)]
pub(crate) struct Letter {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) data: Data,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Data {
    pub(crate) object: serde_json::Value,
}

/// What became of a letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Effect {
    /// Stripe will be asked about the payment.
    Noted,
    /// It tells nothing new.
    Known,
    /// It came before.
    Repeated,
    /// It is about nothing of ours.
    Strange,
    /// Its type is none that anybody here cares about.
    Ignored,
    /// It is not from Stripe, or too old.
    Refused,
}

impl Effect {
    pub(crate) const ALL: [Self; 6] = [
        Self::Noted,
        Self::Known,
        Self::Repeated,
        Self::Strange,
        Self::Ignored,
        Self::Refused,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Noted => "noted",
            Self::Known => "known",
            Self::Repeated => "repeated",
            Self::Strange => "strange",
            Self::Ignored => "ignored",
            Self::Refused => "refused",
        }
    }
}
