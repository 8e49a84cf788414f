//! One attempt to pay: the state machine. No SQL, no HTTP, no Stripe client, no clock of its own.
//!
//! ```text
//!   started ──> authorized ──> capturing ──> captured
//!      │  └───────────┴──> voiding ──> voided   │
//!      └──> failed <────────────────────────────┘ (of capturing: the authorisation has lapsed)
//! ```
//!
//! Two things move it: what the order wants ([`Payment::follow`]) and what Stripe says ([`Payment::learn`]). A state in
//! which Stripe is to be asked says so itself ([`Payment::due`]), so a crash loses nothing but time.

use std::time::Duration;

use events::Event;
use ids::{Money, OrderId, PaymentId, Timestamp, UserId};

use crate::{
    bill::Ruling,
    card_token::Token,
    intent::{Failure, FailureKind, Intent, IntentStatus, Learned},
};

/// How long the same idempotency key is sure to name the same request. Stripe may forget a key after 24 hours
/// (<https://docs.stripe.com/api/idempotent_requests>); the rest is for clocks that differ.
const KEY_LIFETIME: Duration = Duration::from_hours(23);

/// The longest pause between two tries: what is open is settled within a minute of Stripe being back.
const LONGEST_PAUSE: Duration = Duration::from_secs(45);

/// Whoever begins a payment asks Stripe at once; nobody else needs to before this is over.
const HEAD_START: Duration = Duration::from_secs(2);

/// One attempt to pay for an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Payment {
    pub(crate) id: PaymentId,
    pub(crate) order_id: OrderId,
    pub(crate) buyer_id: UserId,
    pub(crate) amount: Money,
    pub(crate) token: Token,
    pub(crate) status: Status,
    /// Stripe's payment intent, once it is known.
    pub(crate) intent_id: Option<String>,
    /// Why it failed; only then.
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
}

/// Where a payment stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Status {
    /// Stripe is asked to authorise it; whether it has, is not known yet.
    Started,
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
    /// Set the money aside.
    Authorize,
    /// Look whether it ever was: too late to ask with the same key.
    LookUp,
    /// Take what was set aside.
    Capture,
    /// Let go what was set aside.
    Void,
}

impl Call {
    /// The state that waits for its answer.
    const fn asked_in(self) -> Status {
        match self {
            Self::Authorize | Self::LookUp => Status::Started,
            Self::Capture => Status::Capturing,
            Self::Void => Status::Voiding,
        }
    }
}

impl Payment {
    /// Begins an attempt; Stripe is not asked yet.
    pub(crate) fn start(order_id: OrderId, buyer_id: UserId, amount: Money, token: Token, now: Timestamp) -> Self {
        Self {
            id: PaymentId::new(now),
            order_id,
            buyer_id,
            amount,
            token,
            status: Status::Started,
            intent_id: None,
            failure: None,
            trouble: None,
            version: 1,
            created_at: now,
            updated_at: now,
            tries: 0,
            next_try_at: now + HEAD_START,
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
            Status::Capturing => Some(Call::Capture),
            Status::Voiding => Some(Call::Void),
            Status::Authorized | Status::Captured | Status::Voided | Status::Failed => None,
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
            Status::Started | Status::Voiding => None,
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
            (Status::Authorized, Ruling::Capture) => Status::Capturing,
            (Status::Authorized | Status::Capturing, Ruling::Void) => Status::Voiding,
            _ => return false,
        };
        self.enter(next, now);
        true
    }

    /// Goes on by what Stripe answered to `call`, and by what the order wants; says what is to be announced.
    ///
    /// An answer that nobody waits for any more changes nothing: whoever asked at the same time was first.
    pub(crate) fn learn(&mut self, call: Call, learned: Learned, ruling: Ruling, now: Timestamp) -> Option<Event> {
        if self.status != call.asked_in() || self.trouble.is_some() {
            return None;
        }
        match (call, learned) {
            (_, Learned::Unknown(_))
            // Stripe does not know an intent that it has told us of: most likely the key is another account's.
            | (Call::Capture | Call::Void, Learned::Refused(_) | Learned::Absent) => self.postpone(now),
            (_, Learned::Intent(intent)) if !self.is_named_by(&intent) => {
                self.trouble = Some(format!("Stripe's {} names another payment", intent.id));
                None
            }
            (Call::Authorize | Call::LookUp, Learned::Intent(intent)) => self.authorised(intent, ruling, now),
            (Call::Authorize | Call::LookUp, Learned::Refused(failure)) => self.fail(failure, now),
            (Call::Authorize | Call::LookUp, Learned::Absent) => {
                self.fail(Failure::new(FailureKind::Lost, "not_reached", "The payment never reached the bank."), now)
            }
            (Call::Capture, Learned::Intent(intent)) => self.captured(&intent, now),
            (Call::Void, Learned::Intent(intent)) => self.voided(&intent, now),
        }
    }

    fn authorised(&mut self, intent: Intent, ruling: Ruling, now: Timestamp) -> Option<Event> {
        let right_amount = self.costs(intent.amount, &intent.currency);
        self.intent_id = Some(intent.id);
        match intent.status {
            IntentStatus::RequiresCapture if right_amount && ruling == Ruling::Void => {
                self.enter(Status::Voiding, now);
                None
            }
            IntentStatus::RequiresCapture if right_amount => {
                self.enter(Status::Authorized, now);
                let announced = self.event();
                self.follow(ruling, now);
                announced
            }
            IntentStatus::Canceled => self.fail(Failure::lapsed(), now),
            IntentStatus::RequiresPaymentMethod => self.fail(intent.failure.unwrap_or_else(Failure::unexplained), now),
            // Another amount, or a state that we did not ask for: it must not go on.
            IntentStatus::RequiresCapture | IntentStatus::Succeeded | IntentStatus::Other => {
                self.enter(Status::Voiding, now);
                None
            }
        }
    }

    fn captured(&mut self, intent: &Intent, now: Timestamp) -> Option<Event> {
        match intent.status {
            IntentStatus::Succeeded if self.costs(intent.amount_received, &intent.currency) => {
                self.enter(Status::Captured, now);
                self.event()
            }
            IntentStatus::Succeeded => {
                let (id, amount) = (&intent.id, intent.amount_received);
                self.trouble = Some(format!(
                    "Stripe's {id} took {amount} {}, not {}",
                    intent.currency, self.amount
                ));
                None
            }
            IntentStatus::Canceled => self.fail(Failure::lapsed(), now),
            // Stripe refuses to capture what is authorised: the authorisation is as good as gone, so let it go.
            IntentStatus::RequiresCapture | IntentStatus::RequiresPaymentMethod | IntentStatus::Other => {
                self.enter(Status::Voiding, now);
                None
            }
        }
    }

    fn voided(&mut self, intent: &Intent, now: Timestamp) -> Option<Event> {
        match intent.status {
            IntentStatus::Canceled => {
                self.enter(Status::Voided, now);
                self.event()
            }
            IntentStatus::Succeeded => {
                self.trouble = Some(format!(
                    "Stripe's {} took money that was to be let go: give it back",
                    intent.id
                ));
                None
            }
            // Not yet.
            IntentStatus::RequiresCapture | IntentStatus::RequiresPaymentMethod | IntentStatus::Other => {
                self.postpone(now)
            }
        }
    }

    fn fail(&mut self, failure: Failure, now: Timestamp) -> Option<Event> {
        self.failure = Some(failure);
        self.enter(Status::Failed, now);
        self.event()
    }

    fn postpone(&mut self, now: Timestamp) -> Option<Event> {
        self.tries = self.tries.saturating_add(1);
        let pause = Duration::from_secs(1 << self.tries.saturating_sub(1).min(6));
        self.next_try_at = now + pause.min(LONGEST_PAUSE);
        None
    }

    fn enter(&mut self, status: Status, now: Timestamp) {
        self.status = status;
        self.version += 1;
        // A clock that was set back does not make a payment younger.
        self.updated_at = now.max(self.updated_at);
        self.tries = 0;
        self.next_try_at = now;
    }

    fn is_named_by(&self, intent: &Intent) -> bool {
        let is = |named: &Option<String>, id: String| named.as_deref() == Some(id.as_str());
        is(&intent.payment_id, self.id.to_string())
            && is(&intent.order_id, self.order_id.to_string())
            && self.intent_id.as_ref().is_none_or(|known| *known == intent.id)
    }

    fn costs(&self, amount: i64, currency: &str) -> bool {
        amount == self.amount.amount && currency == self.amount.currency.code()
    }
}

#[cfg(test)]
pub(crate) mod tests;
