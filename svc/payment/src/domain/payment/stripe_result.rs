//! How a payment changes with a result of Stripe.

use std::time::Duration;

use events::Event;
use values::Timestamp;

use super::{BuyerAction, Payment, PaymentMethod, PaymentStatus, StripeCall};
use crate::domain::{
    CaptureDecision, Failure, FailureKind, Intent, IntentStatus, Retry, RetrySchedule, StripeResult,
    stripe_key::STRIPE_KEY_LIFETIME,
};

/// How soon the intent is first checked for an action of the buyer, in case Stripe's event is lost.
const FIRST_CHECK_DELAY: Duration = Duration::from_secs(2);

/// How long after its start a payment is searched that Stripe's search does not show. Search shows a new intent within a minute, and
/// up to an hour later during an outage (<https://docs.stripe.com/api/payment_intents/search>). The last attempt to create one
/// is made on the first day, so this leaves a day. The order has long ended. A list that was read to its end needs no such margin.
const SEARCH_PERIOD: Duration = Duration::from_hours(48);

impl Payment {
    /// Applies the result of `call` and the decision of the order; returns the event to publish.
    ///
    /// A result that the current status does not expect changes nothing: a concurrent call was faster.
    pub(crate) fn apply_result(
        &mut self,
        call: StripeCall,
        result: StripeResult,
        decision: CaptureDecision,
        now: Timestamp,
    ) -> Option<Event> {
        if !self.expects_result_of(call) || self.state.trouble.is_some() {
            return None;
        }
        // The deadline may pass before Stripe answers.
        let is_first_failure = self.state.retry.failed_attempts() == 0;
        let pending = self.pending_event().filter(|_| is_first_failure);
        let is_missing = matches!(result, StripeResult::NotFound | StripeResult::NotShown);
        if call == StripeCall::FindIntent && is_missing && self.state.intent_id.take().is_some() {
            // Only an event can have named it, and it is none of the account: the next call is about the payment's own.
            self.retry_later(now);
            return pending;
        }
        match (call, result) {
            (_, StripeResult::Unknown(_)) => {
                self.retry_later(now);
                pending
            }
            // Stripe lacks an intent whose id it returned before: most likely the key belongs to another account.
            (
                StripeCall::RetrieveIntent | StripeCall::Capture | StripeCall::Void,
                StripeResult::Refused(_) | StripeResult::NotFound | StripeResult::NotShown,
            ) => {
                // A check that an event has caused stays due, however long that takes.
                let schedule = if self.state.status.has_ended() {
                    RetrySchedule::NO_RESULT_YET
                } else {
                    RetrySchedule::UNANSWERED
                };
                self.state.retry.postpone(schedule, now);
                None
            }
            (_, StripeResult::RateLimited(_)) => {
                self.state
                    .retry
                    .postpone_apart(RetrySchedule::UNANSWERED, &self.state.id, now);
                pending
            }
            (_, StripeResult::Intent(intent)) if !self.is_named_by(&intent) => {
                self.state.trouble = Some(format!("Stripe's {} names another payment", intent.id));
                None
            }
            (StripeCall::Authorize | StripeCall::FindIntent, StripeResult::Refused(failure)) => {
                if matches!(failure.kind, FailureKind::Declined | FailureKind::InvalidToken) {
                    self.count_decline();
                }
                self.fail(failure, now)
            }
            (StripeCall::Authorize, StripeResult::NotFound | StripeResult::NotShown) => {
                self.state.retry.postpone(RetrySchedule::NO_RESULT_YET, now);
                pending
            }
            (StripeCall::FindIntent, StripeResult::NotShown) if now < self.state.created_at + SEARCH_PERIOD => {
                self.state.retry.postpone(RetrySchedule::NO_RESULT_YET, now);
                None
            }
            // The last attempt to create it may be under way.
            (StripeCall::FindIntent, StripeResult::NotFound) if now < self.state.created_at + STRIPE_KEY_LIFETIME => {
                self.state.retry.postpone(RetrySchedule::NO_RESULT_YET, now);
                None
            }
            (StripeCall::FindIntent, StripeResult::NotFound | StripeResult::NotShown) => {
                self.fail(Failure::never_reached(), now)
            }
            (
                StripeCall::Authorize | StripeCall::FindIntent | StripeCall::RetrieveIntent,
                StripeResult::Intent(intent),
            ) => {
                self.state.intent_id = Some(intent.id.clone());
                match self.state.status {
                    PaymentStatus::Authorized => self.check_authorization(&intent, now),
                    status if status.has_ended() => self.check_release(&intent, now),
                    _ => self.apply_authorization(*intent, decision, now),
                }
            }
            (StripeCall::Capture, StripeResult::Intent(intent)) => self.apply_capture(&intent, now),
            (StripeCall::Void, StripeResult::Intent(intent)) => self.apply_void(&intent, decision, now),
        }
    }

    /// Whether the current status is waiting for the result of `call`.
    const fn expects_result_of(&self, call: StripeCall) -> bool {
        match call {
            StripeCall::Authorize | StripeCall::FindIntent => matches!(self.state.status, PaymentStatus::Started),
            StripeCall::RetrieveIntent => {
                self.waits_for_buyer()
                    || self.state.status.has_ended()
                    || matches!(self.state.status, PaymentStatus::Authorized)
            }
            StripeCall::Capture => matches!(self.state.status, PaymentStatus::Capturing),
            StripeCall::Void => matches!(self.state.status, PaymentStatus::Voiding),
        }
    }

    /// Applies the state of an intent that is being authorised.
    fn apply_authorization(&mut self, intent: Intent, decision: CaptureDecision, now: Timestamp) -> Option<Event> {
        match (intent.status, decision) {
            (IntentStatus::Canceled, _) => self.fail(Failure::lapsed(), now),
            // An intent of another amount must not be captured, whatever the order decides.
            (_, _) if !self.is_amount(intent.amount, &intent.currency) => self.start_voiding(None, now),
            (
                IntentStatus::RequiresCapture | IntentStatus::RequiresAction | IntentStatus::Other,
                CaptureDecision::Void,
            ) => self.start_voiding(None, now),
            (IntentStatus::RequiresCapture, CaptureDecision::Wait | CaptureDecision::Capture) => {
                self.enter(PaymentStatus::Authorized, now);
                let event = self.event();
                self.apply_decision(decision, now);
                event
            }
            (IntentStatus::Succeeded, CaptureDecision::Capture) => self.apply_capture(&intent, now),
            (IntentStatus::Succeeded, CaptureDecision::Void) if intent.is_refunded() => self.end_voided(now),
            (IntentStatus::Succeeded, CaptureDecision::Void) => self.report_unwanted_capture(&intent),
            (IntentStatus::RequiresPaymentMethod, _) => self.apply_decline(intent, decision, now),
            // Captured, but the order is undecided: after a restore Stripe is ahead of the replica of the order, which
            // catches up in a moment.
            (IntentStatus::RequiresAction | IntentStatus::Other | IntentStatus::Succeeded, _) => {
                self.wait_for_buyer(PaymentStatus::RequiresAction, intent, now)
            }
        }
    }

    /// The card was refused, or none was entered yet. In a browser the buyer can enter another one for the same intent.
    fn apply_decline(&mut self, intent: Intent, decision: CaptureDecision, now: Timestamp) -> Option<Event> {
        // Declined charges of a browser are counted by their ids.
        if matches!(self.state.method, PaymentMethod::Card { .. }) {
            self.count_decline();
        }
        match self.state.method {
            // The client secret was never sent to the buyer, so the intent cannot continue.
            PaymentMethod::Card { .. } if self.state.status == PaymentStatus::Started => {
                self.fail(intent.failure.unwrap_or_else(Failure::generic_decline), now)
            }
            PaymentMethod::Card { .. } => {
                self.start_voiding(Some(intent.failure.unwrap_or_else(Failure::generic_decline)), now)
            }
            PaymentMethod::Browser if decision == CaptureDecision::Void => self.start_voiding(None, now),
            PaymentMethod::Browser => self.wait_for_buyer(PaymentStatus::RequiresPaymentMethod, intent, now),
        }
    }

    fn wait_for_buyer(&mut self, status: PaymentStatus, intent: Intent, now: Timestamp) -> Option<Event> {
        let is_new = self.state.status != status;
        if is_new {
            self.enter(status, now);
            self.state.retry = Retry::at(now + FIRST_CHECK_DELAY);
        } else {
            self.retry_later(now);
        }
        self.state.buyer_action = intent.client_secret.map(|client_secret| BuyerAction {
            client_secret,
            url: intent.next_action_url,
        });
        self.state.failure = intent
            .failure
            .filter(|_| status == PaymentStatus::RequiresPaymentMethod);
        self.event().filter(|_| is_new)
    }

    /// Has the intent cancelled, so that it cannot continue; with a `failure`, the payment has failed by itself.
    fn start_voiding(&mut self, failure: Option<Failure>, now: Timestamp) -> Option<Event> {
        self.enter(PaymentStatus::Voiding, now);
        self.state.failure = failure;
        None
    }

    /// Checks that an authorised payment still is.
    fn check_authorization(&mut self, intent: &Intent, now: Timestamp) -> Option<Event> {
        match intent.status {
            IntentStatus::Canceled => self.fail(Failure::lapsed(), now),
            // A capture in Stripe's dashboard is detected once the order has decided.
            _ => None,
        }
    }

    /// Checks that a payment that ended still holds no money.
    fn check_release(&mut self, intent: &Intent, now: Timestamp) -> Option<Event> {
        match intent.status {
            IntentStatus::RequiresCapture => {
                let failure = self.state.failure.take();
                self.start_voiding(failure, now)
            }
            IntentStatus::Succeeded if !intent.is_refunded() => self.report_unwanted_capture(intent),
            _ => None,
        }
    }

    fn apply_capture(&mut self, intent: &Intent, now: Timestamp) -> Option<Event> {
        match intent.status {
            IntentStatus::Succeeded if self.is_amount(intent.amount_received, &intent.currency) => {
                self.enter(PaymentStatus::Captured, now);
                self.event()
            }
            // An operator has refunded another amount.
            IntentStatus::Succeeded if intent.is_refunded() => self.fail(Failure::lapsed(), now),
            IntentStatus::Succeeded => {
                let (id, amount) = (&intent.id, intent.amount_received);
                self.state.trouble = Some(format!(
                    "Stripe's {id} captured {amount} {}, not {}",
                    intent.currency, self.state.amount
                ));
                None
            }
            IntentStatus::Canceled => self.fail(Failure::lapsed(), now),
            // Stripe refuses to capture an authorised intent: the authorisation is useless, so release it.
            IntentStatus::RequiresCapture
            | IntentStatus::RequiresPaymentMethod
            | IntentStatus::RequiresAction
            | IntentStatus::Other => self.start_voiding(None, now),
        }
    }

    fn apply_void(&mut self, intent: &Intent, decision: CaptureDecision, now: Timestamp) -> Option<Event> {
        let is_released = intent.status == IntentStatus::Canceled || intent.is_refunded();
        match (intent.status, self.state.failure.take()) {
            // Stripe refused to capture while an earlier capture was still in flight; the order waits for that capture.
            (IntentStatus::Succeeded, None) if decision == CaptureDecision::Capture => self.apply_capture(intent, now),
            (_, Some(failure)) if is_released => self.fail(failure, now),
            (_, None) if is_released => self.end_voided(now),
            (IntentStatus::Succeeded, failure) => {
                self.state.failure = failure;
                self.report_unwanted_capture(intent)
            }
            // Not cancelled yet.
            (_, failure) => {
                self.state.failure = failure;
                self.retry_later(now)
            }
        }
    }

    fn report_unwanted_capture(&mut self, intent: &Intent) -> Option<Event> {
        self.state.trouble = Some(format!(
            "Stripe's {} was captured although the payment was to be voided: refund it",
            intent.id
        ));
        None
    }

    fn end_voided(&mut self, now: Timestamp) -> Option<Event> {
        self.enter(PaymentStatus::Voided, now);
        self.event()
    }

    fn fail(&mut self, failure: Failure, now: Timestamp) -> Option<Event> {
        self.enter(PaymentStatus::Failed, now);
        self.state.failure = Some(failure);
        self.event()
    }

    fn retry_later(&mut self, now: Timestamp) -> Option<Event> {
        self.state.retry.postpone(RetrySchedule::UNANSWERED, now);
        None
    }

    fn is_named_by(&self, intent: &Intent) -> bool {
        let matches = |named: &Option<String>, id: String| named.as_deref() == Some(id.as_str());
        matches(&intent.payment_id, self.state.id.to_string())
            && matches(&intent.order_id, self.state.order_id.to_string())
            && self.state.intent_id.as_ref().is_none_or(|known| *known == intent.id)
    }

    fn is_amount(&self, amount: i64, currency: &str) -> bool {
        amount == self.state.amount.amount && currency == self.state.amount.currency.code()
    }
}
