//! Sends requests to Stripe: counted, timed, traced, and guarded by the circuit breaker.

use std::time::{Duration, Instant};

use chassis::OperatorError;
use metrics::{Gauge, Histogram, Labelled, MetricsRegistry, histograms, latency_histogram};
use stripe::StripeError;
use telemetry::{Span, SpanKind};

use super::{
    breaker::Breaker,
    error::{TOO_MANY_REQUESTS, is_rate_limit, log_text},
    rate_limit::RateLimit,
};
use crate::settings::Settings;

/// An operation of Stripe's API.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operation {
    CreateIntent,
    CaptureIntent,
    CancelIntent,
    ListIntents,
    SearchIntents,
    RetrieveIntent,
    CreateRefund,
    ListRefunds,
    ListDisputes,
}

impl Operation {
    const ALL: [Self; 9] = [
        Self::CreateIntent,
        Self::CaptureIntent,
        Self::CancelIntent,
        Self::ListIntents,
        Self::SearchIntents,
        Self::RetrieveIntent,
        Self::CreateRefund,
        Self::ListRefunds,
        Self::ListDisputes,
    ];

    /// Returns every pair of labels.
    fn labels() -> impl Iterator<Item = [(&'static str, &'static str); 2]> {
        let outcomes = ["answered", "refused", "limited", "unanswered"];
        let labels =
            move |operation: Self| outcomes.map(|outcome| [("operation", operation.label()), ("outcome", outcome)]);
        Self::ALL.into_iter().flat_map(labels)
    }

    const fn label(self) -> &'static str {
        match self {
            Self::CreateIntent => "authorize",
            Self::CaptureIntent => "capture",
            Self::CancelIntent => "void",
            Self::ListIntents => "find",
            Self::SearchIntents => "search",
            Self::RetrieveIntent => "retrieve",
            Self::CreateRefund => "refund",
            Self::ListRefunds => "find-refunds",
            Self::ListDisputes => "find-disputes",
        }
    }

    const fn method_and_path(self) -> (&'static str, &'static str) {
        match self {
            Self::CreateIntent => ("POST", "/v1/payment_intents"),
            Self::CaptureIntent => ("POST", "/v1/payment_intents/{intent}/capture"),
            Self::CancelIntent => ("POST", "/v1/payment_intents/{intent}/cancel"),
            Self::ListIntents => ("GET", "/v1/payment_intents"),
            Self::SearchIntents => ("GET", "/v1/payment_intents/search"),
            Self::RetrieveIntent => ("GET", "/v1/payment_intents/{intent}"),
            Self::CreateRefund => ("POST", "/v1/refunds"),
            Self::ListRefunds => ("GET", "/v1/refunds"),
            Self::ListDisputes => ("GET", "/v1/disputes"),
        }
    }
}

/// Sends requests to Stripe. Cheap to clone.
///
/// async-stripe does not repeat a request with an idempotency key; the state of the payment decides about repetitions. It
/// pins the API version that it was generated from.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    client: stripe::Client,
    /// Stripe's host, for traces.
    host: String,
    timeout: Duration,
    requests: Labelled<Histogram, 2>,
    breaker: Breaker,
    rate_limit: RateLimit,
    /// 1 while the breaker is open, else 0.
    breaker_open: Gauge,
}

impl Transport {
    /// Blocks while the system's certificates are read, and panics if there are none.
    pub(super) fn new(settings: &Settings, metrics: &MetricsRegistry) -> Result<Self, OperatorError> {
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
        let requests = histograms(latency_histogram, Operation::labels());
        metrics.register(
            "ticketing_stripe_request_seconds",
            "Duration of requests to Stripe: answered, refused (declined cards included), limited (429), or unanswered",
            requests.clone(),
        );
        let breaker_open = Gauge::default();
        metrics.register(
            "ticketing_stripe_breaker_open",
            "Whether the circuit breaker is open, because Stripe did not answer",
            breaker_open.clone(),
        );
        Ok(Self {
            client,
            host: settings.stripe_url.host_str().unwrap_or_default().to_owned(),
            timeout: settings.stripe_timeout,
            requests,
            breaker: Breaker::new(settings.stripe_timeout),
            rate_limit: RateLimit::default(),
            breaker_open,
        })
    }

    /// The client to send a request with, inside [`observe`](Self::observe).
    pub(super) const fn client(&self) -> &stripe::Client {
        &self.client
    }

    /// The timeout of one request.
    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether a request may be sent now. After a pause of the breaker, the first caller gets the permission to probe.
    pub(super) fn allows_request(&self) -> bool {
        self.breaker.allow(Instant::now())
    }

    /// For how long the breaker allows no request.
    pub(super) fn blocked_for(&self) -> Option<Duration> {
        self.breaker.open_for(Instant::now())
    }

    /// Waits for a response, in a span of its own
    /// (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>).
    pub(super) async fn observe<T>(
        &self,
        operation: Operation,
        response: impl Future<Output = Result<T, StripeError>>,
    ) -> Result<T, StripeError> {
        let (method, path) = operation.method_and_path();
        let span = Span::inner(SpanKind::Client, format_args!("{method} {path}"));
        span.set("http.request.method", method);
        span.set("url.template", path);
        span.set("peer.service", "stripe");
        if span.is_recording() {
            span.set("server.address", self.host.clone());
        }
        let started = Instant::now();
        let response = response.await;
        self.update_breaker(&response);
        let outcome = match &response {
            Ok(_) => "answered",
            Err(StripeError::Stripe(_, status)) => {
                span.set("http.response.status_code", i64::from(*status));
                if *status == TOO_MANY_REQUESTS {
                    "limited"
                } else {
                    "refused"
                }
            }
            Err(_) => "unanswered",
        };
        if let Err(error) = &response {
            span.set("error.type", outcome);
            span.fail(log_text(error));
        }
        let labels = [("operation", operation.label()), ("outcome", outcome)];
        self.requests
            .get_or_create(&labels)
            .observe(started.elapsed().as_secs_f64());
        response
    }

    /// Whether Stripe limits the rate of requests now.
    pub(super) fn is_rate_limited(&self) -> bool {
        self.rate_limit.is_active(Instant::now())
    }

    /// Counts a response for the breaker and the rate limit. A response 429 is no failure: Stripe answers.
    fn update_breaker<T>(&self, response: &Result<T, StripeError>) {
        let is_failure = match response {
            Ok(_) => false,
            Err(StripeError::Stripe(_, status)) => *status >= 500,
            Err(_) => true,
        };
        if response.as_ref().err().is_some_and(is_rate_limit) {
            self.rate_limit.record_refusal(Instant::now());
        } else if !is_failure {
            self.rate_limit.record_answer();
        }
        if is_failure {
            if self.breaker.record_failure(Instant::now()) {
                self.breaker_open.set(1);
                tracing::warn!("stripe does not answer, circuit breaker opened");
            }
        } else if self.breaker.record_success() {
            self.breaker_open.set(0);
            tracing::info!("stripe answers again, circuit breaker closed");
        }
    }
}
