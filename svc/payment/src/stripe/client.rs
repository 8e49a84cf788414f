//! Stripe, over HTTP: one method that asks what a payment's state asks for, and says what was learned.
//!
//! async-stripe never tries again by itself under a key of ours, and that is how it should be: the state of the payment
//! decides. It pins the API version that it was generated from.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use chassis::OperatorError;
use metrics::{Gauge, Histogram, Labelled, MetricsRegistry, histograms, latency_histogram};
use stripe::{IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use stripe_core::{
    PaymentIntent,
    payment_intent::{CancelPaymentIntent, CapturePaymentIntent, RetrievePaymentIntent},
};
use values::{PaymentId, Timestamp};

use super::{
    authorize::Authorize,
    breaker::Breaker,
    error::{Refusal, declined, told},
    instrument::Operation,
};
use crate::{
    domain::{Call, Intent, IntentStatus, Learned, Payment},
    settings::Settings,
};

/// How far Stripe's clock may be from ours.
pub(super) const SKEW: Duration = Duration::from_mins(5);

/// How long after its beginning a payment can have reached Stripe.
pub(super) const ARRIVAL: Duration = Duration::from_hours(24);

/// After so many tries a new key is used for what Stripe does at most once anyway: it keeps even an error of its own as
/// the answer to a key (<https://docs.stripe.com/api/idempotent_requests>).
const TRIES_PER_KEY: u32 = 8;

/// Speaks to Stripe. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Stripe {
    pub(super) client: stripe::Client,
    /// Its host, for whoever reads traces.
    pub(super) host: String,
    timeout: Duration,
    pub(super) requests: Labelled<Histogram, 2>,
    pub(super) breaker: Breaker,
    /// Whether it is open: 1 or 0.
    pub(super) open: Gauge,
}

impl Stripe {
    /// Blocks: the system's certificates are read here. It panics where there are none.
    pub(crate) fn new(settings: &Settings, metrics: &MetricsRegistry) -> Result<Self, OperatorError> {
        let mut url = settings.stripe_url.to_string();
        if !url.ends_with('/') {
            url.push('/');
        }
        let client = stripe::ClientBuilder::new(settings.secret_key()?.expose())
            .url(url)
            .timeout(settings.stripe_timeout)
            .app_info("ticketing", Some(env!("CARGO_PKG_VERSION").to_owned()), None)
            .build()
            .map_err(|error| OperatorError(format!("Stripe: {error}")))?;
        let requests = histograms(latency_histogram, Operation::outcomes());
        metrics.register(
            "ticketing_stripe_request_seconds",
            "How long Stripe took: answered, refused (also a declined card), or unanswered",
            requests.clone(),
        );
        let open = Gauge::default();
        metrics.register(
            "ticketing_stripe_breaker_open",
            "Whether Stripe is not asked for now, because it did not answer",
            open.clone(),
        );
        Ok(Self {
            client,
            host: settings.stripe_url.host_str().unwrap_or_default().to_owned(),
            timeout: settings.stripe_timeout,
            requests,
            breaker: Breaker::new(settings.stripe_timeout),
            open,
        })
    }

    /// How long one answer is waited for.
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether Stripe may be asked now, or did not answer lately. Where only a probe may be, this is the probe.
    pub(crate) fn may_be_asked(&self) -> bool {
        self.breaker.pass(Instant::now())
    }

    /// How long Stripe is not asked, where it did not answer lately.
    pub(crate) fn rests_for(&self) -> Option<Duration> {
        self.breaker.shut_for(Instant::now())
    }

    /// Asks for what is due. Asked again with the same payment, it has the same effect as once.
    pub(crate) async fn ask(&self, call: Call, payment: &Payment) -> Learned {
        match (call, &payment.intent_id) {
            (Call::Authorize, _) => self.authorize(payment).await,
            (Call::LookUp, _) => self.find(payment).await,
            (Call::Look, Some(intent)) => self.look(intent).await,
            (Call::Capture, Some(intent)) => self.capture(payment, intent).await,
            (Call::Void, Some(intent)) => self.void(payment, intent).await,
            // The database has a CHECK against it.
            (Call::Look | Call::Capture | Call::Void, None) => Learned::Unknown("no intent is known".to_owned()),
        }
    }

    async fn authorize(&self, payment: &Payment) -> Learned {
        match self
            .send(Operation::Authorize, &Authorize::new(payment), "authorize", payment)
            .await
        {
            Ok(intent) => intent.into(),
            Err(Refusal::Final(failure)) => Learned::Refused(failure),
            // An error of Stripe's own stays the answer to this key, whether the intent was made or not.
            Err(Refusal::KeyIsSpent(reason)) => match self.find(payment).await {
                found @ Learned::Intent(_) => found,
                _ => Learned::Unknown(reason),
            },
            Err(Refusal::None(reason)) => Learned::Unknown(reason),
        }
    }

    async fn capture(&self, payment: &Payment, intent: &str) -> Learned {
        let whole = CapturePaymentIntent::new(intent).amount_to_capture(payment.amount.amount);
        let answer = self
            .send(Operation::Capture, &whole, &key_of("capture", payment), payment)
            .await;
        self.or_look(payment.id, intent, answer).await
    }

    async fn void(&self, payment: &Payment, intent: &str) -> Learned {
        let answer = self
            .send(
                Operation::Void,
                &CancelPaymentIntent::new(intent),
                &key_of("void", payment),
                payment,
            )
            .await;
        self.or_look(payment.id, intent, answer).await
    }

    /// What is refused is refused because of the intent's state, so that is what counts.
    async fn or_look(&self, payment: PaymentId, intent: &str, answer: Result<Intent, Refusal>) -> Learned {
        match answer {
            Ok(intent) => intent.into(),
            Err(Refusal::None(reason) | Refusal::KeyIsSpent(reason)) => Learned::Unknown(reason),
            Err(Refusal::Final(failure)) => {
                tracing::info!(%payment, intent, code = failure.code, message = failure.message, "Stripe refused");
                self.look(intent).await
            }
        }
    }

    /// How an intent is now.
    pub(crate) async fn look(&self, intent: &str) -> Learned {
        let retrieve = RetrievePaymentIntent::new(intent).expand(["latest_charge"].map(str::to_owned));
        match self.observed(Operation::Retrieve, retrieve.send(&self.client)).await {
            Ok(intent) => Intent::from(intent).into(),
            Err(StripeError::Stripe(_, 404)) => Learned::Absent,
            Err(error) => Learned::Unknown(told(&error)),
        }
    }

    async fn send<R>(&self, operation: Operation, request: &R, what: &str, payment: &Payment) -> Result<Intent, Refusal>
    where
        R: StripeRequest<Output = PaymentIntent>,
    {
        let key =
            IdempotencyKey::new(format!("{}-{what}", payment.id)).map_err(|error| Refusal::None(error.to_string()))?;
        let request = request.customize().request_strategy(RequestStrategy::Idempotent(key));
        let sent = self.observed(operation, request.send(&self.client)).await;
        sent.map(Intent::from).map_err(Refusal::from)
    }
}

/// The key of a request that Stripe fulfils at most once because of the intent's state.
fn key_of(what: &str, payment: &Payment) -> String {
    match payment.tries / TRIES_PER_KEY {
        0 => what.to_owned(),
        again => format!("{what}-{again}"),
    }
}

impl From<PaymentIntent> for Intent {
    fn from(intent: PaymentIntent) -> Self {
        let named = |metadata: &HashMap<String, String>, name| metadata.get(name).cloned();
        let charge = intent.latest_charge.as_ref().and_then(|charge| charge.as_object());
        let page = intent.next_action.and_then(|action| action.redirect_to_url);
        Self {
            id: intent.id.to_string(),
            status: IntentStatus::of_word(intent.status.as_str()),
            amount: intent.amount,
            amount_received: intent.amount_received,
            currency: intent.currency.to_string(),
            payment_id: named(&intent.metadata, "payment_id"),
            order_id: named(&intent.metadata, "order_id"),
            buyer_id: named(&intent.metadata, "buyer_id"),
            created_at: Timestamp::from_millis(intent.created.saturating_mul(1000)),
            // What was set aside and let go counts as given back at Stripe, though it was never taken.
            amount_refunded: charge
                .filter(|charge| charge.captured)
                .map(|charge| charge.amount_refunded),
            client_secret: intent.client_secret,
            next_action_url: page.and_then(|page| page.url),
            failure: intent.last_payment_error.as_deref().map(declined),
        }
    }
}
