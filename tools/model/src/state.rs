//! The state of everything together.

use payment::model::{StripeRequest, StripeResponse};

use crate::{messages::MessageId, service_model::RowsId, stripe::StripePayment};

/// The limits of an exploration. Events that are not limited here can happen any number of times: a repeated or late
/// message, a webhook, a timeout, a crash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Bounds {
    /// The last tick of the clock.
    pub(crate) clock: u8,
    /// Payments that the buyer starts.
    pub(crate) attempts: u8,
    pub(crate) cards: bool,
    pub(crate) browsers: bool,
    /// Cards that are declined in a browser.
    pub(crate) declines: u8,
    /// Whether the buyer can cancel, and the seller withdraw.
    pub(crate) cancel: bool,
    pub(crate) withdraw: bool,
    /// Whether Stripe sends webhooks.
    pub(crate) webhooks: bool,
    /// Requests that arrive at Stripe after their client has given up.
    pub(crate) delayed_requests: u8,
    /// Authorisations that lapse.
    pub(crate) lapses: u8,
    /// Captures that are refused.
    pub(crate) refused_captures: u8,
    /// Refunds that the buyer or the seller requests.
    pub(crate) refunds: u8,
    /// Refunds in Stripe's dashboard.
    pub(crate) dashboard_refunds: u8,
    /// Refunds that fail.
    pub(crate) failed_refunds: u8,
    /// Refunds that the platform's balance does not cover.
    pub(crate) uncovered_refunds: u8,
    /// Retries by the seller of a withdrawn listing.
    pub(crate) retries: u8,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct SystemState {
    pub(crate) order: RowsId,
    pub(crate) payment: RowsId,
    pub(crate) tick: u8,
    pub(crate) stripe: [StripePayment; 2],
    /// For each payment, the request that Stripe has handled and whose response is not recorded yet.
    pub(crate) in_flight: [Option<Box<(StripeRequest, StripeResponse)>>; 2],
    /// Requests that have not arrived at Stripe, and whose client has given up.
    pub(crate) delayed_requests: Vec<(u8, StripeRequest)>,
    /// The messages that can be delivered, and whether they were delivered before.
    pub(crate) messages: Vec<(MessageId, bool)>,
    /// Whether the buyer's browser has the client secret of an intent.
    pub(crate) browser_has_secret: [bool; 2],
    /// Whether money has moved without a request, and no webhook has reported it yet.
    pub(crate) has_unreported_refund: [bool; 2],
    pub(crate) remaining: Bounds,
    /// The rule that is violated.
    pub(crate) violation: Option<&'static str>,
}
