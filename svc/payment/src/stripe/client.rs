//! The Stripe client: one method that makes the call that a payment's state requires.

use std::{collections::HashMap, time::Duration};

use chassis::OperatorError;
use metrics::MetricsRegistry;
use stripe::{IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use stripe_core::{
    PaymentIntent,
    payment_intent::{CancelPaymentIntent, CapturePaymentIntent, RetrievePaymentIntent},
};
use values::{PaymentId, Timestamp};

use super::{
    charge::{CHARGE_WITH_FEE, charged_funds},
    create_intent::CreateIntent,
    error::{RequestFailure, declined, read_failure},
    transport::{Operation, Transport},
};
use crate::{
    domain::{Intent, IntentStatus, Payment, StripeCall, StripeResult},
    settings::Settings,
};

/// After so many attempts a new key is used for a request that the intent's state limits to one execution: Stripe repeats
/// even a server error as the response to a key (<https://docs.stripe.com/api/idempotent_requests>).
const ATTEMPTS_PER_KEY: u32 = 8;

/// Calls Stripe. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct StripeClient {
    pub(super) transport: Transport,
}

impl StripeClient {
    /// Blocks while the system's certificates are read, and panics if there are none.
    pub(crate) fn new(settings: &Settings, metrics: &MetricsRegistry) -> Result<Self, OperatorError> {
        let transport = Transport::new(settings, metrics)?;
        Ok(Self { transport })
    }

    /// The timeout of one request.
    pub(crate) const fn timeout(&self) -> Duration {
        self.transport.timeout()
    }

    /// Whether a request may be sent now. After a pause of the circuit breaker, the first caller gets the permission to
    /// probe.
    pub(crate) fn allows_request(&self) -> bool {
        self.transport.allows_request()
    }

    /// Whether Stripe limits the rate of requests now: those that were refused before wait for their turn.
    pub(crate) fn is_rate_limited(&self) -> bool {
        self.transport.is_rate_limited()
    }

    /// For how long the circuit breaker allows no request.
    pub(crate) fn blocked_for(&self) -> Option<Duration> {
        self.transport.blocked_for()
    }

    /// Makes a call. Repeated with the same payment, it has the same effect as once.
    pub(crate) async fn call(&self, call: StripeCall, payment: &Payment) -> StripeResult {
        match (call, payment.intent_id()) {
            (StripeCall::Authorize, _) => self.create_intent(payment).await,
            (StripeCall::FindIntent, None) => Box::pin(self.find_intent(payment, true)).await,
            (StripeCall::FindIntent | StripeCall::RetrieveIntent, Some(intent)) => self.retrieve_intent(intent).await,
            (StripeCall::Capture, Some(intent)) => self.capture(payment, intent).await,
            (StripeCall::Void, Some(intent)) => self.cancel(payment, intent).await,
            // A CHECK of the database prevents it.
            (StripeCall::RetrieveIntent | StripeCall::Capture | StripeCall::Void, None) => {
                StripeResult::Unknown("the payment has no intent".to_owned())
            }
        }
    }

    async fn create_intent(&self, payment: &Payment) -> StripeResult {
        let request = CreateIntent::new(payment);
        match self.send(Operation::CreateIntent, &request, "authorize", payment).await {
            Ok(intent) => intent.into(),
            Err(RequestFailure::Refused(failure)) => StripeResult::Refused(failure),
            // A server error remains the response to this key, whether the intent was created or not.
            Err(RequestFailure::KeySpent(reason)) => {
                tracing::warn!(payment = %payment.id(), reason, "stripe keeps an error for the key, looking for the intent");
                Box::pin(self.find_intent(payment, false)).await.or_not_shown()
            }
            Err(RequestFailure::Unknown(reason)) => StripeResult::Unknown(reason),
            Err(RequestFailure::RateLimited(reason)) => StripeResult::RateLimited(reason),
        }
    }

    async fn capture(&self, payment: &Payment, intent: &str) -> StripeResult {
        let request = CapturePaymentIntent::new(intent)
            .amount_to_capture(payment.amount().amount)
            .expand([CHARGE_WITH_FEE.to_owned()]);
        // A key of its own: an earlier release captures without the charge, and a key belongs to one set of parameters.
        let key = key_suffix("capture-with-fee", payment);
        let response = self.send(Operation::CaptureIntent, &request, &key, payment).await;
        self.or_retrieve(payment.id(), intent, response).await
    }

    async fn cancel(&self, payment: &Payment, intent: &str) -> StripeResult {
        let request = CancelPaymentIntent::new(intent);
        let key = key_suffix("void", payment);
        let response = self.send(Operation::CancelIntent, &request, &key, payment).await;
        self.or_retrieve(payment.id(), intent, response).await
    }

    /// Retrieves the intent after a refusal: Stripe refuses because of the intent's state.
    async fn or_retrieve(
        &self,
        payment: PaymentId,
        intent: &str,
        response: Result<Intent, RequestFailure>,
    ) -> StripeResult {
        match response {
            Ok(intent) => intent.into(),
            Err(RequestFailure::Unknown(reason) | RequestFailure::KeySpent(reason)) => StripeResult::Unknown(reason),
            Err(RequestFailure::RateLimited(reason)) => StripeResult::RateLimited(reason),
            Err(RequestFailure::Refused(failure)) => {
                tracing::info!(
                    %payment, intent, code = failure.code, message = failure.message, "request refused by stripe"
                );
                self.retrieve_intent(intent).await
            }
        }
    }

    /// Retrieves an intent.
    pub(crate) async fn retrieve_intent(&self, intent: &str) -> StripeResult {
        let request = RetrievePaymentIntent::new(intent).expand(["latest_charge"].map(str::to_owned));
        let response = request.send(self.transport.client());
        match self.transport.observe(Operation::RetrieveIntent, response).await {
            Ok(intent) => Intent::from(intent).into(),
            Err(StripeError::Stripe(_, 404)) => StripeResult::NotFound,
            Err(error) => read_failure(&error),
        }
    }

    async fn send<R>(
        &self,
        operation: Operation,
        request: &R,
        key_suffix: &str,
        payment: &Payment,
    ) -> Result<Intent, RequestFailure>
    where
        R: StripeRequest<Output = PaymentIntent>,
    {
        let key = IdempotencyKey::new(format!("{}-{key_suffix}", payment.id()))
            .map_err(|error| RequestFailure::Unknown(error.to_string()))?;
        let request = request.customize().request_strategy(RequestStrategy::Idempotent(key));
        let response = request.send(self.transport.client());
        let response = self.transport.observe(operation, response).await;
        response.map(Intent::from).map_err(RequestFailure::from)
    }
}

/// Returns the idempotency key's suffix for a request that the intent's state limits to one execution.
fn key_suffix(operation: &str, payment: &Payment) -> String {
    match payment.state().retry.failed_attempts() / ATTEMPTS_PER_KEY {
        0 => operation.to_owned(),
        spent_keys => format!("{operation}-{spent_keys}"),
    }
}

impl From<PaymentIntent> for Intent {
    fn from(intent: PaymentIntent) -> Self {
        let named = |metadata: &HashMap<String, String>, name| metadata.get(name).cloned();
        let charge = intent.latest_charge.as_ref().and_then(|charge| charge.as_object());
        let redirect = intent.next_action.and_then(|action| action.redirect_to_url);
        Self {
            id: intent.id.to_string(),
            status: IntentStatus::from_stripe(intent.status.as_str()),
            amount: intent.amount,
            amount_received: intent.amount_received,
            currency: intent.currency.to_string(),
            payment_id: named(&intent.metadata, "payment_id"),
            order_id: named(&intent.metadata, "order_id"),
            buyer_id: named(&intent.metadata, "buyer_id"),
            created_at: Timestamp::from_millis(intent.created.saturating_mul(1000)),
            // Stripe counts a released authorisation as refunded, though it was never captured.
            amount_refunded: charge
                .filter(|charge| charge.captured)
                .map(|charge| charge.amount_refunded),
            client_secret: intent.client_secret,
            next_action_url: redirect.and_then(|redirect| redirect.url),
            failure: intent.last_payment_error.as_deref().map(declined),
            charge_id: intent.latest_charge.as_ref().map(|charge| charge.id().to_string()),
            funds: charge.filter(|charge| charge.captured).map(charged_funds),
        }
    }
}
