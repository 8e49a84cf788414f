//! What Stripe's refusals mean.

use stripe::{ApiErrors, ApiErrorsType, StripeError};

use crate::domain::{Failure, FailureKind};

/// Why there is no intent in an answer.
pub(super) enum Refusal {
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

/// Whether the account's balance does not cover a refund. Stripe holds most such refunds as pending by itself; where it
/// refuses one, it says so without a code (<https://github.com/Automattic/woocommerce-payments/issues/10025>), or with that
/// of other debits of the balance (<https://docs.stripe.com/error-codes>).
pub(super) fn lacks_funds(error: &StripeError) -> bool {
    let StripeError::Stripe(error, _) = error else {
        return false;
    };
    let said = error.message.as_deref().unwrap_or_default();
    matches!(code(error), "balance_insufficient" | "insufficient_funds")
        || said.starts_with("Insufficient funds in your Stripe balance")
}

fn code(error: &ApiErrors) -> &str {
    error.code.as_ref().map_or("unknown", |code| code.as_str())
}

pub(super) fn declined(error: &ApiErrors) -> Failure {
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
pub(super) fn told(error: &StripeError) -> String {
    match error {
        StripeError::Stripe(error, status) => told_by_stripe(error, *status),
        other => other.to_string(),
    }
}

fn told_by_stripe(error: &ApiErrors, status: u16) -> String {
    let message = error.message.as_deref().unwrap_or_default();
    format!("{status} {} {}: {message}", error.type_.as_str(), code(error))
}
