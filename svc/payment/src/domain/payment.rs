//! A payment attempt for one order: the state machine.
//!
//! ```text
//!   started ──────────────────────> authorized ──> capturing ──> captured
//!    │ │ └─> requires-payment-method ─┘ │              │ │
//!    │ │     requires-action     │      │              │ │
//!    │ └─────────────────────────┴──────┴─> voiding <──┘ │
//!    │                                       │   │       │ (the authorisation has lapsed)
//!    └──────────────────────────────────> failed └───────┴──> voided, failed
//! ```
//!
//! A payment that is started or waits for its buyer is voided at once if its intent was captured and refunded in full.
//!
//! Two inputs change it: the decision of the order ([`Payment::apply_decision`]) and results of Stripe
//! ([`Payment::apply_result`]). The next request to Stripe follows from the state alone ([`Payment::next_call`]), so a
//! crash only delays it. A Stripe event only causes a check ([`Payment::request_check`]).

use std::time::Duration;

use events::Event;
use values::{Money, OrderId, PaymentId, Timestamp, UserId, text_enum};

use super::{CaptureDecision, CardToken, Failure, Intent, IntentStatus, Retry, stripe_key::STRIPE_KEY_USE};

mod stripe_result;

/// How long the worker leaves a new payment to the request that started it, which calls Stripe at once.
const HEAD_START: Duration = Duration::from_secs(2);

/// A payment attempt for one order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Payment {
    state: PaymentState,
}

/// The stored values of a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PaymentState {
    pub(crate) id: PaymentId,
    pub(crate) order_id: OrderId,
    pub(crate) buyer_id: UserId,
    pub(crate) amount: Money,
    pub(crate) method: PaymentMethod,
    pub(crate) status: PaymentStatus,
    /// Stripe's id of the payment intent, once it is known.
    pub(crate) intent_id: Option<String>,
    /// How the buyer continues; only while the buyer has to act.
    pub(crate) buyer_action: Option<BuyerAction>,
    /// Why the last card was refused; in a final status, why the payment failed.
    pub(crate) failure: Option<Failure>,
    /// Why an operator has to resolve it. Until then the payment does not change.
    pub(crate) trouble: Option<String>,
    /// The number of states so far, this one included.
    pub(crate) version: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Calls without an answer since the last change of status, and when the next call is due.
    pub(crate) retry: Retry,
    /// When the last Stripe event arrived that no check has covered yet.
    pub(crate) notified_at: Option<Timestamp>,
    /// How many cards were declined; in a browser, several can be.
    pub(crate) declines: u32,
}

/// What the buyer pays with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum PaymentMethod {
    /// A card that Stripe has named already.
    Card {
        token: CardToken,
        /// Where the bank's page redirects the buyer after authentication.
        return_url: Option<String>,
    },
    /// The card that the buyer enters in a browser; none for a free order.
    Browser,
}

/// What the buyer's browser needs to continue a payment.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BuyerAction {
    /// For Stripe.js (<https://docs.stripe.com/api/payment_intents/object>). Only the buyer may read it.
    pub(crate) client_secret: String,
    /// The page on which the bank authenticates the buyer, where there is one.
    pub(crate) url: Option<String>,
}

text_enum! {
    /// The status of a payment.
    pub(crate) enum PaymentStatus {
        /// Stripe has not confirmed the intent yet.
        Started = "started",
        /// The buyer has to enter a card, or another one.
        RequiresPaymentMethod = "requires-payment-method",
        /// The bank has to authenticate the buyer.
        RequiresAction = "requires-action",
        /// The money is authorised; the order has to decide.
        Authorized = "authorized",
        /// The order is confirmed with this payment; Stripe has to capture the money.
        Capturing = "capturing",
        /// The money is captured.
        Captured = "captured",
        /// Stripe has to release the authorisation.
        Voiding = "voiding",
        /// The authorisation is released, or a capture was refunded in full.
        Voided = "voided",
        /// No money is held, and none will be.
        Failed = "failed",
    }
}

impl PaymentStatus {
    /// Whether the money is authorised or captured, and not released.
    pub(crate) const fn is_paying(self) -> bool {
        matches!(self, Self::Authorized | Self::Capturing | Self::Captured)
    }

    /// Whether it ended without money for the order.
    pub(crate) const fn has_ended(self) -> bool {
        matches!(self, Self::Voided | Self::Failed)
    }

    /// Whether Stripe or the buyer has to act next.
    pub(crate) const fn is_in_progress(self) -> bool {
        match self {
            Self::Started | Self::RequiresPaymentMethod | Self::RequiresAction | Self::Capturing | Self::Voiding => {
                true
            }
            Self::Authorized | Self::Captured | Self::Voided | Self::Failed => false,
        }
    }
}

/// A request to Stripe about a payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StripeCall {
    /// Create the intent, and authorise the money where the card is known.
    Authorize,
    /// Search for the intent: the idempotency key is too old to create it again.
    FindIntent,
    /// Retrieve the intent.
    RetrieveIntent,
    /// Capture the authorised money.
    Capture,
    /// Cancel the intent.
    Void,
}

impl Payment {
    /// Starts an attempt. A free order needs neither Stripe nor a card: it is authorised at once.
    pub(crate) fn start(
        order_id: OrderId,
        buyer_id: UserId,
        amount: Money,
        method: PaymentMethod,
        now: Timestamp,
    ) -> Self {
        let (status, method) = if amount.is_free() {
            (PaymentStatus::Authorized, PaymentMethod::Browser)
        } else {
            (PaymentStatus::Started, method)
        };
        Self::from_state(PaymentState {
            id: PaymentId::new(now),
            order_id,
            buyer_id,
            amount,
            method,
            status,
            intent_id: None,
            buyer_action: None,
            failure: None,
            trouble: None,
            version: 1,
            created_at: now,
            updated_at: now,
            retry: Retry::at(now + HEAD_START),
            notified_at: None,
            declines: 0,
        })
    }

    /// Rebuilds a payment that only Stripe has a record of. It is checked like one whose buyer is busy.
    pub(crate) fn from_intent(
        (id, order_id, buyer_id): (PaymentId, OrderId, UserId),
        amount: Money,
        intent: &Intent,
        now: Timestamp,
    ) -> Self {
        Self::from_state(PaymentState {
            id,
            status: PaymentStatus::RequiresAction,
            intent_id: Some(intent.id.clone()),
            created_at: intent.created_at,
            updated_at: now.max(intent.created_at),
            retry: Retry::at(now),
            ..Self::start(order_id, buyer_id, amount, PaymentMethod::Browser, now).state
        })
    }

    /// The same, for an order that another payment pays for: Stripe has to release the authorisation.
    pub(crate) fn superseded_from_intent(
        ids: (PaymentId, OrderId, UserId),
        amount: Money,
        intent: &Intent,
        now: Timestamp,
    ) -> Self {
        Self::from_state(PaymentState {
            status: PaymentStatus::Voiding,
            ..Self::from_intent(ids, amount, intent, now).state
        })
    }

    /// Rebuilds a free payment that only its order has a record of.
    pub(crate) fn from_order(
        id: PaymentId,
        order_id: OrderId,
        buyer_id: UserId,
        amount: Money,
        now: Timestamp,
    ) -> Self {
        Self::from_state(PaymentState {
            id,
            ..Self::start(order_id, buyer_id, amount, PaymentMethod::Browser, now).state
        })
    }

    /// Rebuilds a payment from its stored values.
    pub(crate) const fn from_state(state: PaymentState) -> Self {
        Self { state }
    }

    /// Returns the values to store or show.
    pub(crate) const fn state(&self) -> &PaymentState {
        &self.state
    }

    pub(crate) const fn id(&self) -> PaymentId {
        self.state.id
    }

    pub(crate) const fn order_id(&self) -> OrderId {
        self.state.order_id
    }

    pub(crate) const fn buyer_id(&self) -> UserId {
        self.state.buyer_id
    }

    pub(crate) const fn amount(&self) -> Money {
        self.state.amount
    }

    /// How many cards were declined.
    pub(crate) const fn declines(&self) -> u32 {
        self.state.declines
    }

    pub(crate) const fn status(&self) -> PaymentStatus {
        self.state.status
    }

    /// Stripe's id of the payment intent, once it is known.
    pub(crate) fn intent_id(&self) -> Option<&str> {
        self.state.intent_id.as_deref()
    }

    /// Why an operator has to resolve it. Until then the payment does not change.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.state.trouble.as_deref()
    }

    /// Returns the request to Stripe that is due.
    pub(crate) fn next_call(&self, now: Timestamp) -> Option<StripeCall> {
        if self.state.trouble.is_some() {
            return None;
        }
        match self.state.status {
            PaymentStatus::Started
                if self.state.intent_id.is_none() && now < self.state.created_at + STRIPE_KEY_USE =>
            {
                Some(StripeCall::Authorize)
            }
            PaymentStatus::Started => Some(StripeCall::FindIntent),
            // Stripe usually sends an event when the buyer has acted; this check covers events that are lost.
            PaymentStatus::RequiresPaymentMethod | PaymentStatus::RequiresAction => {
                self.state.retry.is_due(now).then_some(StripeCall::RetrieveIntent)
            }
            PaymentStatus::Capturing => Some(StripeCall::Capture),
            PaymentStatus::Voiding => Some(StripeCall::Void),
            PaymentStatus::Authorized | PaymentStatus::Voided | PaymentStatus::Failed => self
                .state
                .notified_at
                .and(self.state.intent_id.as_ref())
                .map(|_| StripeCall::RetrieveIntent),
            PaymentStatus::Captured => None,
        }
    }

    /// Returns the event that an attempt with a card is pending, because Stripe has not answered yet: the order moves its
    /// deadline once, as for a buyer who has to act. An attempt in a browser has no card yet, and holds nothing.
    pub(crate) fn pending_event(&self) -> Option<Event> {
        let is_pending = self.state.status == PaymentStatus::Started && !self.is_in_browser();
        is_pending.then(|| Event::PaymentPending(self.published(events::PaymentStatus::Pending)))
    }

    fn published(&self, status: events::PaymentStatus) -> events::Payment {
        events::Payment {
            id: self.state.id,
            version: self.state.version,
            status,
            order_id: self.state.order_id,
            buyer_id: self.state.buyer_id,
            amount: self.state.amount,
        }
    }

    /// Returns the event that publishes the state; none while the state is unknown or about to change.
    pub(crate) fn event(&self) -> Option<Event> {
        let state = |status| self.published(status);
        match self.state.status {
            PaymentStatus::Started | PaymentStatus::RequiresPaymentMethod | PaymentStatus::Voiding => None,
            PaymentStatus::RequiresAction => Some(Event::PaymentPending(state(events::PaymentStatus::Pending))),
            PaymentStatus::Authorized | PaymentStatus::Capturing => {
                Some(Event::PaymentAuthorized(state(events::PaymentStatus::Authorized)))
            }
            PaymentStatus::Captured => Some(Event::PaymentCreated(state(events::PaymentStatus::Captured))),
            PaymentStatus::Voided | PaymentStatus::Failed => {
                Some(Event::PaymentFailed(state(events::PaymentStatus::Failed)))
            }
        }
    }

    /// Applies the decision of the order; returns whether the status changed. A payment that Stripe has not confirmed yet
    /// does not change: the decision is applied to Stripe's result.
    pub(crate) fn apply_decision(&mut self, decision: CaptureDecision, now: Timestamp) -> bool {
        let next = match (self.state.status, decision) {
            (PaymentStatus::Authorized, CaptureDecision::Capture) if self.is_free() => PaymentStatus::Captured,
            (PaymentStatus::Authorized, CaptureDecision::Void) if self.is_free() => PaymentStatus::Voided,
            (PaymentStatus::Authorized, CaptureDecision::Capture) => PaymentStatus::Capturing,
            (PaymentStatus::Authorized | PaymentStatus::Capturing, CaptureDecision::Void) => PaymentStatus::Voiding,
            (_, CaptureDecision::Void) if self.waits_for_buyer() => PaymentStatus::Voiding,
            _ => return false,
        };
        self.enter(next, now);
        true
    }

    /// Voids an attempt that waits for its buyer, because the buyer pays with another card.
    pub(crate) fn supersede(&mut self, now: Timestamp) {
        if self.waits_for_buyer() {
            self.enter(PaymentStatus::Voiding, now);
        }
    }

    /// Applies a Stripe event that names the intent and an earlier status of it. The event causes a check unless it confirms the
    /// known state; returns whether a check is due.
    pub(crate) fn request_check(&mut self, intent: &str, intent_status: IntentStatus, now: Timestamp) -> bool {
        let is_known = match self.state.status {
            PaymentStatus::Captured => true,
            PaymentStatus::Authorized => intent_status == IntentStatus::RequiresCapture,
            PaymentStatus::RequiresAction => intent_status == IntentStatus::RequiresAction,
            PaymentStatus::Voided | PaymentStatus::Failed => matches!(
                intent_status,
                IntentStatus::Canceled | IntentStatus::RequiresPaymentMethod
            ),
            PaymentStatus::Started
            | PaymentStatus::RequiresPaymentMethod
            | PaymentStatus::Capturing
            | PaymentStatus::Voiding => false,
        };
        if is_known || self.state.trouble.is_some() || self.is_free() {
            return false;
        }
        // The response to its creation may be lost, also of a payment that has failed for that reason: the intent may hold money.
        self.state.intent_id.get_or_insert_with(|| intent.to_owned());
        // Where a call is due anyway, its result has the status of the intent.
        if !matches!(
            self.state.status,
            PaymentStatus::Started | PaymentStatus::Capturing | PaymentStatus::Voiding
        ) {
            self.state.notified_at = Some(now);
        }
        self.state.retry.bring_forward(now);
        true
    }

    /// Records an event about captured money that arrives before the result of the capture is stored: the response to the
    /// capture may be older than the event. Returns whether anything changes.
    pub(crate) fn note_event_about_funds(&mut self, now: Timestamp) -> bool {
        let is_capturing = self.state.status == PaymentStatus::Capturing;
        if is_capturing {
            self.state.notified_at = Some(now);
        }
        is_capturing
    }

    /// Counts a card that was declined in the buyer's browser.
    pub(crate) fn count_decline(&mut self) {
        self.state.declines = self.state.declines.saturating_add(1);
    }

    /// Whether the buyer can enter another card in a browser.
    pub(crate) fn waits_for_card(&self) -> bool {
        self.state.status == PaymentStatus::RequiresPaymentMethod
    }

    /// Ends an attempt whose buyer has tried too many cards: the intent is cancelled.
    pub(crate) fn refuse_more_cards(&mut self, now: Timestamp) {
        if self.waits_for_card() {
            let failure = self.state.failure.take();
            self.enter(PaymentStatus::Voiding, now);
            self.state.failure = failure.or_else(|| Some(Failure::generic_decline()));
        }
    }

    /// Records that the intent was read by a call at `called_at`: events that arrived before need no check any more.
    pub(crate) fn mark_checked(&mut self, called_at: Timestamp) {
        self.state.notified_at = self.state.notified_at.filter(|notified_at| *notified_at >= called_at);
    }

    /// Whether the buyer has to act.
    pub(crate) const fn waits_for_buyer(&self) -> bool {
        matches!(
            self.state.status,
            PaymentStatus::RequiresPaymentMethod | PaymentStatus::RequiresAction
        )
    }

    /// Whether the buyer can continue it in a browser, now or once Stripe has confirmed the intent.
    pub(crate) fn can_continue_in_browser(&self) -> bool {
        self.waits_for_buyer()
            || (self.state.status == PaymentStatus::Started && self.state.method == PaymentMethod::Browser)
    }

    /// Whether the buyer enters the card in a browser.
    pub(crate) fn is_in_browser(&self) -> bool {
        self.state.method == PaymentMethod::Browser
    }

    /// Whether the amount is zero, so that Stripe is not involved.
    pub(crate) const fn is_free(&self) -> bool {
        self.state.amount.is_free()
    }

    fn enter(&mut self, status: PaymentStatus, now: Timestamp) {
        if !matches!(status, PaymentStatus::Failed) {
            self.state.failure = None;
        }
        self.state.notified_at = self.state.notified_at.filter(|_| status != PaymentStatus::Captured);
        self.state.buyer_action = None;
        self.state.status = status;
        self.state.version += 1;
        // A clock that was set back must not make the payment younger.
        self.state.updated_at = now.max(self.state.updated_at);
        self.state.retry = Retry::at(now);
    }
}

/// Omits the secret, which must not appear in logs.
impl std::fmt::Debug for BuyerAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.url.is_some() { "a page" } else { "Stripe.js" })
    }
}

#[cfg(test)]
mod tests;
