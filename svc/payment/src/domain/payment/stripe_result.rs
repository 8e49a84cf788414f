//! What a payment makes of Stripe's answers.

use std::time::Duration;

use events::Event;
use values::Timestamp;

use super::{Call, Means, NextStep, Payment, Status};
use crate::domain::{Failure, FailureKind, Intent, IntentStatus, Learned, Ruling};

/// The longest pause between two tries: what is open is settled within a minute of Stripe being back.
const LONGEST_PAUSE: Duration = Duration::from_secs(45);

/// How soon Stripe is asked what the buyer has done meanwhile, should it not tell.
const FIRST_LOOK: Duration = Duration::from_secs(2);

impl Payment {
    /// Goes on by what Stripe answered to `call`, and by what the order wants; says what is to be announced.
    ///
    /// An answer that nobody waits for any more changes nothing: whoever asked at the same time was first.
    pub(crate) fn learn(&mut self, call: Call, learned: Learned, ruling: Ruling, now: Timestamp) -> Option<Event> {
        if !self.listens_to(call) || self.trouble.is_some() {
            return None;
        }
        match (call, learned) {
            (_, Learned::Unknown(_))
            // Stripe does not know an intent that it has told us of: most likely the key is another account's.
            | (Call::Look | Call::Capture | Call::Void, Learned::Refused(_) | Learned::Absent) => self.postpone(now),
            (_, Learned::Intent(intent)) if !self.is_named_by(&intent) => {
                self.trouble = Some(format!("Stripe's {} names another payment", intent.id));
                None
            }
            (Call::Authorize | Call::LookUp, Learned::Refused(failure)) => self.fail(failure, now),
            (Call::Authorize | Call::LookUp, Learned::Absent) => {
                self.fail(Failure::new(FailureKind::Lost, "not_reached", "The payment never reached the bank."), now)
            }
            (Call::Authorize | Call::LookUp | Call::Look, Learned::Intent(intent)) => {
                self.intent_id = Some(intent.id.clone());
                match self.status {
                    Status::Authorized => self.still_authorised(&intent, now),
                    Status::Voided | Status::Failed => self.still_over(&intent, now),
                    _ => self.tried(*intent, ruling, now),
                }
            }
            (Call::Capture, Learned::Intent(intent)) => self.captured(&intent, now),
            (Call::Void, Learned::Intent(intent)) => self.voided(&intent, ruling, now),
        }
    }

    /// Whether the answer to `call` is for the state that it is in.
    const fn listens_to(&self, call: Call) -> bool {
        match call {
            Call::Authorize | Call::LookUp => matches!(self.status, Status::Started),
            Call::Look => {
                self.waits_for_buyer() || matches!(self.status, Status::Authorized | Status::Voided | Status::Failed)
            }
            Call::Capture => matches!(self.status, Status::Capturing),
            Call::Void => matches!(self.status, Status::Voiding),
        }
    }

    /// What has become of the wish to set the money aside.
    fn tried(&mut self, intent: Intent, ruling: Ruling, now: Timestamp) -> Option<Event> {
        match (intent.status, ruling) {
            (IntentStatus::Canceled, _) => self.fail(Failure::lapsed(), now),
            // Another amount than was asked for must not go on, whatever the order wants.
            (_, _) if !self.costs(intent.amount, &intent.currency) => self.let_go(None, now),
            (IntentStatus::RequiresCapture | IntentStatus::RequiresAction | IntentStatus::Other, Ruling::Void) => {
                self.let_go(None, now)
            }
            (IntentStatus::RequiresCapture, Ruling::Wait | Ruling::Capture) => {
                self.enter(Status::Authorized, now);
                let announced = self.event();
                self.follow(ruling, now);
                announced
            }
            (IntentStatus::Succeeded, Ruling::Capture) => self.captured(&intent, now),
            (IntentStatus::Succeeded, Ruling::Void) => self.taken_wrongly(&intent),
            (IntentStatus::RequiresPaymentMethod, _) => self.declined(intent, ruling, now),
            // Taken, and the order wants nothing yet: a database that was restored knows less of the order than Stripe. In
            // a moment it will know.
            (IntentStatus::RequiresAction | IntentStatus::Other | IntentStatus::Succeeded, _) => {
                self.wait(Status::RequiresAction, intent, now)
            }
        }
    }

    /// The card was refused, or none was shown yet. In a browser the same intent can be tried with another one.
    fn declined(&mut self, intent: Intent, ruling: Ruling, now: Timestamp) -> Option<Event> {
        match self.with {
            // Nobody has got the intent's secret: nobody can go on with it.
            Means::Card { .. } if self.status == Status::Started => {
                self.fail(intent.failure.unwrap_or_else(Failure::unexplained), now)
            }
            Means::Card { .. } => self.let_go(Some(intent.failure.unwrap_or_else(Failure::unexplained)), now),
            Means::Browser if ruling == Ruling::Void => self.let_go(None, now),
            Means::Browser => self.wait(Status::RequiresPaymentMethod, intent, now),
        }
    }

    /// Waits for the buyer. Without a secret nothing could be done, but Stripe always sends it.
    fn wait(&mut self, status: Status, intent: Intent, now: Timestamp) -> Option<Event> {
        let is_new = self.status != status;
        if is_new {
            self.enter(status, now);
            self.next_try_at = now + FIRST_LOOK;
        } else {
            self.postpone(now);
        }
        self.next = intent.client_secret.map(|client_secret| NextStep {
            client_secret,
            url: intent.next_action_url,
        });
        self.failure = intent.failure.filter(|_| status == Status::RequiresPaymentMethod);
        self.event().filter(|_| is_new)
    }

    /// Has the intent cancelled, so that nobody can go on with it; `failure` says whether it has failed by itself.
    fn let_go(&mut self, failure: Option<Failure>, now: Timestamp) -> Option<Event> {
        self.enter(Status::Voiding, now);
        self.failure = failure;
        None
    }

    fn still_authorised(&mut self, intent: &Intent, now: Timestamp) -> Option<Event> {
        match intent.status {
            IntentStatus::Canceled => self.fail(Failure::lapsed(), now),
            // Should somebody have taken the money by hand, then it is found taken when the order says what it wants.
            _ => None,
        }
    }

    fn still_over(&mut self, intent: &Intent, now: Timestamp) -> Option<Event> {
        match intent.status {
            IntentStatus::RequiresCapture => {
                let failure = self.failure.take();
                self.let_go(failure, now)
            }
            IntentStatus::Succeeded => self.taken_wrongly(intent),
            _ => None,
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
            IntentStatus::RequiresCapture
            | IntentStatus::RequiresPaymentMethod
            | IntentStatus::RequiresAction
            | IntentStatus::Other => self.let_go(None, now),
        }
    }

    fn voided(&mut self, intent: &Intent, ruling: Ruling, now: Timestamp) -> Option<Event> {
        match (intent.status, self.failure.take()) {
            // Stripe had refused to capture, and a request to capture was still on its way: the order waits for that.
            (IntentStatus::Succeeded, None) if ruling == Ruling::Capture => self.captured(intent, now),
            (IntentStatus::Canceled, Some(failure)) => self.fail(failure, now),
            (IntentStatus::Canceled, None) => {
                self.enter(Status::Voided, now);
                self.event()
            }
            (IntentStatus::Succeeded, failure) => {
                self.failure = failure;
                self.taken_wrongly(intent)
            }
            // Not yet.
            (_, failure) => {
                self.failure = failure;
                self.postpone(now)
            }
        }
    }

    fn taken_wrongly(&mut self, intent: &Intent) -> Option<Event> {
        self.trouble = Some(format!(
            "Stripe's {} took money that was to be let go: give it back",
            intent.id
        ));
        None
    }

    fn fail(&mut self, failure: Failure, now: Timestamp) -> Option<Event> {
        self.enter(Status::Failed, now);
        self.failure = Some(failure);
        self.event()
    }

    fn postpone(&mut self, now: Timestamp) -> Option<Event> {
        self.tries = self.tries.saturating_add(1);
        let pause = Duration::from_secs(1 << self.tries.saturating_sub(1).min(6));
        self.next_try_at = now + pause.min(LONGEST_PAUSE);
        None
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
