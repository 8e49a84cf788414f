//! What is counted, timed and traced of a request to Stripe.

use std::time::Instant;

use stripe::StripeError;
use trace::Kind;

use super::{client::Stripe, error::told};

/// What Stripe is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operation {
    Authorize,
    Capture,
    Void,
    Find,
    Retrieve,
    Refund,
    FindRefunds,
    FindDisputes,
}

impl Operation {
    const ALL: [Self; 8] = [
        Self::Authorize,
        Self::Capture,
        Self::Void,
        Self::Find,
        Self::Retrieve,
        Self::Refund,
        Self::FindRefunds,
        Self::FindDisputes,
    ];

    /// Every pair of labels.
    pub(super) fn outcomes() -> impl Iterator<Item = [(&'static str, &'static str); 2]> {
        let outcomes = ["answered", "refused", "unanswered"];
        let labels =
            move |operation: Self| outcomes.map(|outcome| [("operation", operation.name()), ("outcome", outcome)]);
        Self::ALL.into_iter().flat_map(labels)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Find => "find",
            Self::Retrieve => "retrieve",
            Self::Refund => "refund",
            Self::FindRefunds => "find-refunds",
            Self::FindDisputes => "find-disputes",
        }
    }

    const fn method_and_path(self) -> (&'static str, &'static str) {
        match self {
            Self::Authorize => ("POST", "/v1/payment_intents"),
            Self::Capture => ("POST", "/v1/payment_intents/{intent}/capture"),
            Self::Void => ("POST", "/v1/payment_intents/{intent}/cancel"),
            Self::Find => ("GET", "/v1/payment_intents"),
            Self::Retrieve => ("GET", "/v1/payment_intents/{intent}"),
            Self::Refund => ("POST", "/v1/refunds"),
            Self::FindRefunds => ("GET", "/v1/refunds"),
            Self::FindDisputes => ("GET", "/v1/disputes"),
        }
    }
}

impl Stripe {
    /// Waits for an answer, as a step of the trace (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>).
    pub(super) async fn observed<T>(
        &self,
        operation: Operation,
        answer: impl Future<Output = Result<T, StripeError>>,
    ) -> Result<T, StripeError> {
        let (method, path) = operation.method_and_path();
        let mut step = trace::span(Kind::Client, format_args!("{method} {path}"));
        step.set("http.request.method", method);
        step.set("url.template", path);
        step.set("peer.service", "stripe");
        if step.is_recorded() {
            step.set("server.address", self.host.clone());
        }
        let began = Instant::now();
        let answer = answer.await;
        self.note(&answer);
        let outcome = match &answer {
            Ok(_) => "answered",
            Err(StripeError::Stripe(_, status)) => {
                step.set("http.response.status_code", *status);
                "refused"
            }
            Err(_) => "unanswered",
        };
        if let Err(error) = &answer {
            step.set("error.type", outcome);
            step.fail(told(error));
        }
        let labels = [("operation", operation.name()), ("outcome", outcome)];
        self.requests
            .get_or_create(&labels)
            .observe(began.elapsed().as_secs_f64());
        answer
    }

    /// Lets the breaker know. Too many requests are an answer that asks for a pause, too.
    fn note<T>(&self, answer: &Result<T, StripeError>) {
        let silent = match answer {
            Ok(_) => false,
            Err(StripeError::Stripe(_, status)) => *status >= 500 || *status == 429,
            Err(_) => true,
        };
        if silent {
            if self.breaker.unanswered(Instant::now()) {
                self.open.set(1);
                tracing::warn!("Stripe does not answer: it is asked again after a pause");
            }
        } else if self.breaker.answered() {
            self.open.set(0);
            tracing::info!("Stripe answers again");
        }
    }
}
