//! Errors of Stripe, by what they say about the request.

use stripe::{ApiErrors, ApiErrorsType, StripeError};

use crate::domain::{Failure, FailureKind, StripeResult};

/// Why a request has no result.
pub(super) enum RequestFailure {
    /// Stripe refused the request, and would again.
    Refused(Failure),
    /// Executed or not: a server error that remains the response to this key.
    KeySpent(String),
    /// Executed or not: a repetition with the same key returns the result.
    Unknown(String),
    /// Not executed: there are too many requests, or another one about the same object is in progress.
    RateLimited(String),
}

/// The status of a response for too many requests (<https://docs.stripe.com/rate-limits>).
pub(super) const TOO_MANY_REQUESTS: u16 = 429;

impl From<StripeError> for RequestFailure {
    fn from(error: StripeError) -> Self {
        match error {
            StripeError::Stripe(error, status) => Self::from_stripe(&error, status),
            other => Self::Unknown(log_text(&other)),
        }
    }
}

impl RequestFailure {
    /// <https://docs.stripe.com/api/errors>, <https://docs.stripe.com/error-low-level>
    fn from_stripe(error: &ApiErrors, status: u16) -> Self {
        let reason = || error_text(error, status);
        match (status, &error.type_) {
            (_, ApiErrorsType::CardError) => Self::Refused(declined(error)),
            (_, ApiErrorsType::IdempotencyError) | (500.., _) => Self::KeySpent(reason()),
            (400 | 402 | 404, ApiErrorsType::InvalidRequestError) => Self::Refused(refused(error)),
            (TOO_MANY_REQUESTS, _) => Self::RateLimited(reason()),
            // An operator has to correct 401 and 403; 409 is temporary.
            _ => Self::Unknown(reason()),
        }
    }
}

/// Returns the result of a request that only reads, and has failed.
pub(super) fn read_failure(error: &StripeError) -> StripeResult {
    match error {
        StripeError::Stripe(error, TOO_MANY_REQUESTS) => {
            StripeResult::RateLimited(error_text(error, TOO_MANY_REQUESTS))
        }
        _ => StripeResult::Unknown(log_text(error)),
    }
}

/// Whether Stripe limits the rate of all requests. A lock timeout, also 429, is about one object
/// (<https://docs.stripe.com/rate-limits#object-lock-timeouts>).
pub(super) fn is_rate_limit(error: &StripeError) -> bool {
    match error {
        StripeError::Stripe(error, TOO_MANY_REQUESTS) => error_code(error) != "lock_timeout",
        _ => false,
    }
}

/// Whether the account's balance does not cover a refund. Stripe keeps most such refunds pending. Where it refuses one,
/// the error has no code (<https://github.com/Automattic/woocommerce-payments/issues/10025>), or that of other debits of
/// the balance (<https://docs.stripe.com/error-codes>).
pub(super) fn is_insufficient_balance(error: &StripeError) -> bool {
    let StripeError::Stripe(error, _) = error else {
        return false;
    };
    let message = error.message.as_deref().unwrap_or_default();
    matches!(error_code(error), "balance_insufficient" | "insufficient_funds")
        || message.starts_with("Insufficient funds in your Stripe balance")
}

fn error_code(error: &ApiErrors) -> &str {
    error.code.as_ref().map_or("unknown", |code| code.as_str())
}

/// Returns the failure of a declined card.
pub(super) fn declined(error: &ApiErrors) -> Failure {
    let code = error.decline_code.as_deref().unwrap_or_else(|| error_code(error));
    let message = error.message.as_deref().unwrap_or("Your card was declined.");
    Failure::new(FailureKind::Declined, code, message)
}

fn refused(error: &ApiErrors) -> Failure {
    let is_about_token = error
        .param
        .as_deref()
        .is_some_and(|param| param.starts_with("payment_method"))
        || matches!(error_code(error), "token_already_used" | "token_in_use");
    let kind = if is_about_token {
        FailureKind::InvalidToken
    } else {
        FailureKind::Refused
    };
    Failure::new(
        kind,
        error_code(error),
        error.message.as_deref().unwrap_or("Stripe refused the payment."),
    )
}

/// Returns the error for the log, without the intent that it contains: that has the client secret.
pub(super) fn log_text(error: &StripeError) -> String {
    match error {
        StripeError::Stripe(error, status) => error_text(error, *status),
        other => other.to_string(),
    }
}

pub(super) fn error_text(error: &ApiErrors, status: u16) -> String {
    let message = error.message.as_deref().unwrap_or_default();
    format!("{status} {} {}: {message}", error.type_.as_str(), error_code(error))
}
