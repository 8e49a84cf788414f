//! Converts errors to problems: the part that a client may read.

use std::time::Duration;

use poem::http::StatusCode;
use problem::Problem;
use values::{PaymentId, Timestamp};

use crate::{
    domain::{Failure, FailureKind, LimitScope, NotPayable, Payment, TooManyCards},
    use_cases::PayOrderError,
};

/// When a client may repeat a request for a payment that Stripe has not answered.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Stripe has not answered about a payment yet.
#[derive(Debug, thiserror::Error)]
#[error("Stripe has not answered about the payment {0}")]
struct NoResult(PaymentId);

/// The problem of a payment without a result of Stripe.
pub(super) fn no_result(payment: &Payment, now: Timestamp) -> Problem {
    let next_call = now.until(payment.state().retry.next_at());
    let detail = format!(
        "The bank has not answered in time. The payment {} stays and will be settled; read it later, or repeat this \
         request with the same Idempotency-Key. You are charged once at most.",
        payment.id()
    );
    Problem::unavailable(detail, &NoResult(payment.id())).retry_after(next_call.max(RETRY_AFTER))
}

/// The problem of a failed payment.
pub(super) fn payment_failed(failure: &Failure) -> Problem {
    let refused = |slug, title| {
        let detail = format!("{} Nothing was charged.", failure.buyer_message());
        Problem::new(StatusCode::PAYMENT_REQUIRED, slug, title)
            .detail(detail)
            .code(failure.public_code())
    };
    match failure.kind {
        FailureKind::Declined => refused("card-declined", "The card was declined"),
        FailureKind::InvalidToken => {
            Problem::invalid("token", "is not known to Stripe, or was used before").code(failure.public_code())
        }
        FailureKind::Refused | FailureKind::Lapsed | FailureKind::NeverReached => {
            refused("payment-refused", "The payment was refused")
        }
    }
}

impl From<PayOrderError> for Problem {
    fn from(error: PayOrderError) -> Self {
        match error {
            PayOrderError::NotFound(_) => Self::not_found(error),
            PayOrderError::NotYours(_) => Self::not_found(error).denied(),
            PayOrderError::NotPayable(reason) => reason.into(),
            PayOrderError::NotChargeable { .. } => Self::invalid("orderId", error).code("amount-not-chargeable"),
            PayOrderError::TooManyCards(error) => error.into(),
            PayOrderError::Db(error) => error.into(),
        }
    }
}

impl From<TooManyCards> for Problem {
    fn from(error: TooManyCards) -> Self {
        let (code, of) = match error.scope {
            LimitScope::Order => ("order", "for this order"),
            LimitScope::Buyer => ("buyer", "by you"),
            LimitScope::Network => ("network", "from your network"),
        };
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "card-attempts",
            "Too many cards were tried",
        )
        .detail(format_args!(
            "Too many cards were tried {of} in the last hour. Nothing was charged. Try again later."
        ))
        .code(code)
        .retry_after(error.wait)
    }
}

impl From<NotPayable> for Problem {
    fn from(reason: NotPayable) -> Self {
        match reason {
            NotPayable::Expired => Self::conflict("order-expired", "The order has expired"),
            NotPayable::Cancelled => Self::conflict("order-cancelled", "The order was cancelled"),
            NotPayable::Complete => Self::conflict("order-complete", "The order is paid"),
            NotPayable::BeingPaid => Self::conflict("order-being-paid", "The order is being paid"),
        }
        .detail(reason)
    }
}
