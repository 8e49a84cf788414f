//! One attempt to pay: the state machine. No SQL, no HTTP, no Stripe client, no clock of its own.
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
//! Two things move it: what the order wants ([`Payment::follow`]) and what Stripe says ([`Payment::learn`]). A state in
//! which Stripe is to be asked says so itself ([`Payment::due`]), so a crash loses nothing but time. What Stripe tells
//! unasked is only a reason to ask ([`Payment::told`]).

use std::time::Duration;

use events::Event;
use values::{Money, OrderId, PaymentId, Timestamp, UserId};

use super::{Failure, Intent, IntentStatus, Ruling, Token};

mod stripe_result;

/// How long the same idempotency key is sure to name the same request. Stripe may forget a key after 24 hours
/// (<https://docs.stripe.com/api/idempotent_requests>); the rest is for clocks that differ.
const KEY_LIFETIME: Duration = Duration::from_hours(23);

/// Whoever begins a payment asks Stripe at once; nobody else needs to before this is over.
const HEAD_START: Duration = Duration::from_secs(2);

/// One attempt to pay for an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Payment {
    pub(crate) id: PaymentId,
    pub(crate) order_id: OrderId,
    pub(crate) buyer_id: UserId,
    pub(crate) amount: Money,
    pub(crate) with: Means,
    pub(crate) status: Status,
    /// Stripe's payment intent, once it is known.
    pub(crate) intent_id: Option<String>,
    /// How the buyer's browser goes on; only while Stripe waits for the buyer.
    pub(crate) next: Option<NextStep>,
    /// Why the last card was refused; at the end, why the payment failed.
    pub(crate) failure: Option<Failure>,
    /// Why a person has to look at it: nothing more is done about it.
    pub(crate) trouble: Option<String>,
    /// Counts the states: 1, 2, 3 …
    pub(crate) version: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// How often Stripe was asked for the next state and gave no answer.
    pub(crate) tries: u32,
    /// When it is asked again.
    pub(crate) next_try_at: Timestamp,
    /// When Stripe told of something that has not been looked at since.
    pub(crate) told_at: Option<Timestamp>,
}

/// What the buyer pays with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Means {
    /// A card that Stripe has named already.
    Card {
        token: Token,
        /// Where the bank's page sends the buyer when done, should it ask.
        return_url: Option<String>,
    },
    /// Whatever the buyer shows to Stripe in a browser; where nothing is to be paid, nothing.
    Browser,
}

/// How the buyer's browser goes on.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct NextStep {
    /// What Stripe.js needs to go on with the intent (<https://docs.stripe.com/api/payment_intents/object>): for the
    /// buyer alone.
    pub(crate) client_secret: String,
    /// The page where the bank asks, where it is one.
    pub(crate) url: Option<String>,
}

/// Where a payment stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Status {
    /// Stripe is asked to begin it; whether it has, is not known yet.
    Started,
    /// The buyer is to show Stripe a card, or another one.
    RequiresPaymentMethod,
    /// The buyer is to prove to the bank that the card is theirs.
    RequiresAction,
    /// The bank has set the money aside; the order is to say what becomes of it.
    Authorized,
    /// The order is confirmed with it: Stripe is asked to take the money.
    Capturing,
    /// The money is taken.
    Captured,
    /// Stripe is asked to let the money go.
    Voiding,
    /// The money was let go.
    Voided,
    /// Nothing was taken, and nothing will be.
    Failed,
}

/// What is to be asked of Stripe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Call {
    /// Set the money aside; or, for a browser, be ready to.
    Authorize,
    /// Look whether it ever was: too late to ask with the same key.
    LookUp,
    /// Look how the intent is now.
    Look,
    /// Take what was set aside.
    Capture,
    /// Let go what was set aside.
    Void,
}

impl Payment {
    /// Begins an attempt; Stripe is not asked yet. What is free needs no Stripe, and no card is kept for it.
    pub(crate) fn start(order_id: OrderId, buyer_id: UserId, amount: Money, with: Means, now: Timestamp) -> Self {
        let (status, with) = if amount.is_free() {
            (Status::Authorized, Means::Browser)
        } else {
            (Status::Started, with)
        };
        Self {
            id: PaymentId::new(now),
            order_id,
            buyer_id,
            amount,
            with,
            status,
            intent_id: None,
            next: None,
            failure: None,
            trouble: None,
            version: 1,
            created_at: now,
            updated_at: now,
            tries: 0,
            next_try_at: now + HEAD_START,
            told_at: None,
        }
    }

    /// An attempt that Stripe remembers and nobody here does: it is looked at as if its buyer were busy with it.
    pub(crate) fn remembered(
        (id, order_id, buyer_id): (PaymentId, OrderId, UserId),
        amount: Money,
        intent: &Intent,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            status: Status::RequiresAction,
            intent_id: Some(intent.id.clone()),
            created_at: intent.created_at,
            updated_at: now.max(intent.created_at),
            next_try_at: now,
            ..Self::start(order_id, buyer_id, amount, Means::Browser, now)
        }
    }

    /// An attempt that cost nothing, and that only its order remembers.
    pub(crate) fn recalled(id: PaymentId, order_id: OrderId, buyer_id: UserId, amount: Money, now: Timestamp) -> Self {
        Self {
            id,
            ..Self::start(order_id, buyer_id, amount, Means::Browser, now)
        }
    }

    /// What Stripe is to be asked next; `None` if it is not its turn.
    pub(crate) fn due(&self, now: Timestamp) -> Option<Call> {
        if self.trouble.is_some() {
            return None;
        }
        match self.status {
            Status::Started if now < self.created_at + KEY_LIFETIME => Some(Call::Authorize),
            Status::Started => Some(Call::LookUp),
            // The buyer takes time, and Stripe tells when something happened: this is for what it could not tell.
            Status::RequiresPaymentMethod | Status::RequiresAction => (self.next_try_at <= now).then_some(Call::Look),
            Status::Capturing => Some(Call::Capture),
            Status::Voiding => Some(Call::Void),
            Status::Authorized | Status::Voided | Status::Failed => {
                self.told_at.and(self.intent_id.as_ref()).map(|_| Call::Look)
            }
            Status::Captured => None,
        }
    }

    /// What the other services are told of the state; nothing, while it is not known or soon another.
    pub(crate) fn event(&self) -> Option<Event> {
        let state = |status| events::Payment {
            id: self.id,
            version: self.version,
            status,
            order_id: self.order_id,
            buyer_id: self.buyer_id,
            amount: self.amount,
        };
        match self.status {
            Status::Started | Status::RequiresPaymentMethod | Status::Voiding => None,
            Status::RequiresAction => Some(Event::PaymentPending(state(events::PaymentStatus::Pending))),
            Status::Authorized | Status::Capturing => {
                Some(Event::PaymentAuthorized(state(events::PaymentStatus::Authorized)))
            }
            Status::Captured => Some(Event::PaymentCreated(state(events::PaymentStatus::Captured))),
            Status::Voided | Status::Failed => Some(Event::PaymentFailed(state(events::PaymentStatus::Failed))),
        }
    }

    /// Does as the order wants; says whether that made a difference. What is not known yet goes on until it is.
    pub(crate) fn follow(&mut self, ruling: Ruling, now: Timestamp) -> bool {
        let next = match (self.status, ruling) {
            (Status::Authorized, Ruling::Capture) if self.is_free() => Status::Captured,
            (Status::Authorized, Ruling::Void) if self.is_free() => Status::Voided,
            (Status::Authorized, Ruling::Capture) => Status::Capturing,
            (Status::Authorized | Status::Capturing, Ruling::Void) => Status::Voiding,
            (_, Ruling::Void) if self.waits_for_buyer() => Status::Voiding,
            _ => return false,
        };
        self.enter(next, now);
        true
    }

    /// Gives up an attempt that waits for its buyer, who has another card.
    pub(crate) fn give_way(&mut self, now: Timestamp) {
        if self.waits_for_buyer() {
            self.enter(Status::Voiding, now);
        }
    }

    /// Stripe has told, unasked, that the intent was so at some time: a reason to look, unless it is what is known.
    /// Says whether it is.
    pub(crate) fn told(&mut self, was: IntentStatus, now: Timestamp) -> bool {
        let known = match self.status {
            Status::Captured => true,
            Status::Authorized => was == IntentStatus::RequiresCapture,
            Status::RequiresAction => was == IntentStatus::RequiresAction,
            // Of an attempt without an intent nothing can have come.
            Status::Voided | Status::Failed => {
                self.intent_id.is_none() || matches!(was, IntentStatus::Canceled | IntentStatus::RequiresPaymentMethod)
            }
            Status::Started | Status::RequiresPaymentMethod | Status::Capturing | Status::Voiding => false,
        };
        if known || self.trouble.is_some() {
            return false;
        }
        // Whoever waits for an answer hears it with that.
        if !matches!(self.status, Status::Started | Status::Capturing | Status::Voiding) {
            self.told_at = Some(now);
        }
        self.next_try_at = self.next_try_at.min(now);
        true
    }

    /// Stripe has been looked at: what it had told before `asked_at` is no news any more.
    pub(crate) fn heard_out(&mut self, asked_at: Timestamp) {
        self.told_at = self.told_at.filter(|told_at| *told_at >= asked_at);
    }

    /// Whether Stripe waits for the buyer.
    pub(crate) const fn waits_for_buyer(&self) -> bool {
        matches!(self.status, Status::RequiresPaymentMethod | Status::RequiresAction)
    }

    /// Whether the buyer can go on with it in a browser, now or in a moment.
    pub(crate) fn goes_on_in_browser(&self) -> bool {
        self.waits_for_buyer() || (self.status == Status::Started && self.with == Means::Browser)
    }

    /// Whether there is nothing to ask Stripe for.
    pub(crate) const fn is_free(&self) -> bool {
        self.amount.is_free()
    }

    fn enter(&mut self, status: Status, now: Timestamp) {
        if !matches!(status, Status::Failed) {
            self.failure = None;
        }
        self.told_at = self.told_at.filter(|_| status != Status::Captured);
        self.next = None;
        self.status = status;
        self.version += 1;
        // A clock that was set back does not make a payment younger.
        self.updated_at = now.max(self.updated_at);
        self.tries = 0;
        self.next_try_at = now;
    }
}

/// The secret is for the buyer alone.
impl std::fmt::Debug for NextStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.url.is_some() { "a page" } else { "Stripe.js" })
    }
}

#[cfg(test)]
pub(crate) mod tests;
