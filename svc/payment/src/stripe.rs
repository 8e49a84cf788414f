//! Stripe, over HTTP: one method that asks what a payment's state asks for, and says what was learned.
//!
//! async-stripe never tries again by itself under a key of ours, and that is how it should be: the state of the payment
//! decides. It pins the API version that it was generated from.

use std::{collections::HashMap, time::Duration};

use chassis::StartError;
use ids::PaymentId;
use metrics::{Histogram, Labelled, Metrics, histograms, latencies};
use serde::Serialize;
use stripe::{ApiErrors, ApiErrorsType, IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use stripe_client_core::{RequestBuilder, StripeMethod};
use stripe_core::{
    PaymentIntent, PaymentIntentStatus,
    payment_intent::{CancelPaymentIntent, CapturePaymentIntent, ListPaymentIntent, RetrievePaymentIntent},
};

use crate::{
    Settings,
    card_token::Token,
    intent::{Failure, FailureKind, Intent, IntentStatus, Learned},
    payment::{Call, Payment},
};

mod request;

use request::Operation;

/// How far Stripe's clock may be from ours.
const SKEW: Duration = Duration::from_mins(5);

/// How long after its beginning a payment can have reached Stripe.
const ARRIVAL: Duration = Duration::from_hours(24);

/// After so many tries a new key is used for what Stripe does at most once anyway: it keeps even an error of its own as
/// the answer to a key (<https://docs.stripe.com/api/idempotent_requests>).
const TRIES_PER_KEY: u32 = 8;

/// Speaks to Stripe. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Stripe {
    client: stripe::Client,
    /// Its host, for whoever reads traces.
    host: String,
    timeout: Duration,
    requests: Labelled<Histogram, 2>,
}

impl Stripe {
    /// Blocks: the system's certificates are read here. It panics where there are none.
    pub(crate) fn new(settings: &Settings, metrics: &Metrics) -> Result<Self, StartError> {
        let mut url = settings.stripe_url.to_string();
        if !url.ends_with('/') {
            url.push('/');
        }
        let client = stripe::ClientBuilder::new(settings.stripe_secret_key.expose())
            .url(url)
            .timeout(settings.stripe_timeout)
            .app_info("ticketing", Some(env!("CARGO_PKG_VERSION").to_owned()), None)
            .build()
            .map_err(|error| StartError(format!("Stripe: {error}")))?;
        let requests = histograms(latencies, Operation::outcomes());
        metrics.register(
            "ticketing_stripe_request_seconds",
            "How long Stripe took: answered, refused (also a declined card), or unanswered",
            requests.clone(),
        );
        Ok(Self {
            client,
            host: settings.stripe_url.host_str().unwrap_or_default().to_owned(),
            timeout: settings.stripe_timeout,
            requests,
        })
    }

    /// How long one answer is waited for.
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Asks for what is due. Asked again with the same payment, it has the same effect as once.
    pub(crate) async fn ask(&self, call: Call, payment: &Payment) -> Learned {
        match (call, &payment.intent_id) {
            (Call::Authorize, _) => self.authorize(payment).await,
            (Call::LookUp, _) => self.find(payment).await,
            (Call::Capture, Some(intent)) => self.capture(payment, intent).await,
            (Call::Void, Some(intent)) => self.void(payment, intent).await,
            // The database has a CHECK against it.
            (Call::Capture | Call::Void, None) => Learned::Unknown("no intent is known".to_owned()),
        }
    }

    async fn authorize(&self, payment: &Payment) -> Learned {
        match self
            .send(Operation::Authorize, &Authorize::new(payment), "authorize", payment)
            .await
        {
            Ok(intent) => Learned::Intent(intent),
            Err(Refusal::Final(failure)) => Learned::Refused(failure),
            // An error of Stripe's own stays the answer to this key, whether the intent was made or not.
            Err(Refusal::KeyIsSpent(reason)) => match self.find(payment).await {
                Learned::Intent(intent) => Learned::Intent(intent),
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
            Ok(intent) => Learned::Intent(intent),
            Err(Refusal::None(reason) | Refusal::KeyIsSpent(reason)) => Learned::Unknown(reason),
            Err(Refusal::Final(failure)) => {
                tracing::info!(%payment, intent, code = failure.code, message = failure.message, "Stripe refused");
                let retrieve = RetrievePaymentIntent::new(intent);
                match self.observed(Operation::Retrieve, retrieve.send(&self.client)).await {
                    Ok(intent) => Learned::Intent(intent.into()),
                    Err(error) => Learned::Unknown(told(&error)),
                }
            }
        }
    }

    /// Looks for the intent of a payment in the list of all that were made around its time.
    async fn find(&self, payment: &Payment) -> Learned {
        let id = payment.id.to_string();
        let mut page = Intents {
            created: Created {
                gte: (payment.created_at - SKEW).seconds(),
                lte: (payment.created_at + ARRIVAL + SKEW).seconds(),
            },
            limit: 100,
            starting_after: None,
        };
        loop {
            let list = match self
                .observed(Operation::Find, page.customize().send(&self.client))
                .await
            {
                Ok(list) => list,
                Err(error) => return Learned::Unknown(told(&error)),
            };
            page.starting_after = list.data.last().map(|last| last.id.to_string());
            if let Some(found) = list
                .data
                .into_iter()
                .find(|intent| intent.metadata.get("payment_id") == Some(&id))
            {
                return Learned::Intent(found.into());
            }
            if !list.has_more || page.starting_after.is_none() {
                return Learned::Absent;
            }
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

/// Makes and confirms a payment intent in one request (<https://docs.stripe.com/api/payment_intents/create>).
#[derive(Serialize)]
struct Authorize<'a> {
    amount: i64,
    currency: &'static str,
    capture_method: &'static str,
    confirm: bool,
    /// Nobody is there to be asked: a card that wants that is declined.
    error_on_requires_action: bool,
    payment_method_types: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_method: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_method_data: Option<MethodOfToken<'a>>,
    metadata: Names,
}

#[derive(Serialize)]
struct MethodOfToken<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    card: CardOfToken<'a>,
}

#[derive(Serialize)]
struct CardOfToken<'a> {
    token: &'a str,
}

/// What ties an intent to us.
#[derive(Serialize)]
struct Names {
    order_id: String,
    payment_id: String,
}

impl<'a> Authorize<'a> {
    fn new(payment: &'a Payment) -> Self {
        let token: &Token = &payment.token;
        let (method, card) = if token.is_method() {
            (Some(token), None)
        } else {
            (None, Some(token))
        };
        Self {
            amount: payment.amount.amount,
            currency: payment.amount.currency.code(),
            capture_method: "manual",
            confirm: true,
            error_on_requires_action: true,
            payment_method_types: ["card"],
            payment_method: method.map(Token::as_str),
            payment_method_data: card.map(|token| MethodOfToken {
                kind: "card",
                card: CardOfToken { token: token.as_str() },
            }),
            metadata: Names {
                order_id: payment.order_id.to_string(),
                payment_id: payment.id.to_string(),
            },
        }
    }
}

impl StripeRequest for Authorize<'_> {
    type Output = PaymentIntent;

    fn build(&self) -> RequestBuilder {
        RequestBuilder::new(StripeMethod::Post, "/payment_intents").form(self)
    }
}

/// A page of intents, the newest first (<https://docs.stripe.com/api/payment_intents/list>).
#[derive(Serialize)]
struct Intents {
    created: Created,
    limit: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    starting_after: Option<String>,
}

#[derive(Serialize)]
struct Created {
    gte: i64,
    lte: i64,
}

impl StripeRequest for Intents {
    type Output = <ListPaymentIntent as StripeRequest>::Output;

    fn build(&self) -> RequestBuilder {
        RequestBuilder::new(StripeMethod::Get, "/payment_intents").query(self)
    }
}

/// Why there is no intent in an answer.
enum Refusal {
    /// Nothing was done, and nothing would be if it were asked again.
    Final(Failure),
    /// It may have been done, and the same key will never tell.
    KeyIsSpent(String),
    /// It may have been done; the same request will tell.
    None(String),
}

impl From<StripeError> for Refusal {
    fn from(error: StripeError) -> Self {
        match error {
            StripeError::Stripe(error, status) => Self::of_stripe(&error, status),
            other => Self::None(told(&other)),
        }
    }
}

impl Refusal {
    /// <https://docs.stripe.com/api/errors>, <https://docs.stripe.com/error-low-level>
    fn of_stripe(error: &ApiErrors, status: u16) -> Self {
        let reason = || told_by_stripe(error, status);
        match (status, &error.type_) {
            (_, ApiErrorsType::CardError) => Self::Final(declined(error)),
            (_, ApiErrorsType::IdempotencyError) | (500.., _) => Self::KeyIsSpent(reason()),
            (400 | 402 | 404, ApiErrorsType::InvalidRequestError) => Self::Final(refused(error)),
            // 401 and 403 are the operator's to repair, 409 and 429 pass by themselves.
            _ => Self::None(reason()),
        }
    }
}

fn code(error: &ApiErrors) -> &str {
    error.code.as_ref().map_or("unknown", |code| code.as_str())
}

fn declined(error: &ApiErrors) -> Failure {
    let code = error.decline_code.as_deref().unwrap_or_else(|| code(error));
    let message = error.message.as_deref().unwrap_or("Your card was declined.");
    Failure::new(FailureKind::Declined, code, message)
}

fn refused(error: &ApiErrors) -> Failure {
    let about_token = error
        .param
        .as_deref()
        .is_some_and(|param| param.starts_with("payment_method"))
        || matches!(code(error), "token_already_used" | "token_in_use");
    let kind = if about_token {
        FailureKind::BadToken
    } else {
        FailureKind::Refused
    };
    Failure::new(
        kind,
        code(error),
        error.message.as_deref().unwrap_or("Stripe refused the payment."),
    )
}

/// For the log. The error as it is holds the whole intent, and with it the client secret.
fn told(error: &StripeError) -> String {
    match error {
        StripeError::Stripe(error, status) => told_by_stripe(error, *status),
        other => other.to_string(),
    }
}

fn told_by_stripe(error: &ApiErrors, status: u16) -> String {
    let message = error.message.as_deref().unwrap_or_default();
    format!("{status} {} {}: {message}", error.type_.as_str(), code(error))
}

impl From<PaymentIntent> for Intent {
    fn from(intent: PaymentIntent) -> Self {
        let named = |metadata: &HashMap<String, String>, name| metadata.get(name).cloned();
        Self {
            id: intent.id.to_string(),
            status: match intent.status {
                PaymentIntentStatus::RequiresCapture => IntentStatus::RequiresCapture,
                PaymentIntentStatus::Succeeded => IntentStatus::Succeeded,
                PaymentIntentStatus::Canceled => IntentStatus::Canceled,
                PaymentIntentStatus::RequiresPaymentMethod => IntentStatus::RequiresPaymentMethod,
                _ => IntentStatus::Other,
            },
            amount: intent.amount,
            amount_received: intent.amount_received,
            currency: intent.currency.to_string(),
            payment_id: named(&intent.metadata, "payment_id"),
            order_id: named(&intent.metadata, "order_id"),
            failure: intent.last_payment_error.as_deref().map(declined),
        }
    }
}
