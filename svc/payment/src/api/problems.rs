//! Errors as problems: what a client may read of them.

use std::time::Duration;

use poem::http::StatusCode;
use problem::Problem;
use values::PaymentId;

use crate::{
    domain::{Failure, FailureKind, NotPayable, Payment},
    use_cases::PayError,
};

/// When a client may ask again for a payment that Stripe has not answered.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(5);

/// Stripe has not said yet what has become of a payment.
#[derive(Debug, thiserror::Error)]
#[error("Stripe has not answered about the payment {0}")]
struct Unanswered(PaymentId);

pub(super) fn unanswered(payment: &Payment) -> Problem {
    let detail = format!(
        "The bank has not answered in time. The payment {} stays and will be settled; look at it again, or repeat this \
         request with the same Idempotency-Key. You are charged once at most.",
        payment.id
    );
    Problem::unavailable(detail, &Unanswered(payment.id)).retry_after(ASK_AGAIN)
}

pub(super) fn failed(failure: &Failure) -> Problem {
    let refused = |slug, title| {
        let detail = format!("{} Nothing was charged.", failure.told_to_buyer());
        Problem::new(StatusCode::PAYMENT_REQUIRED, slug, title)
            .detail(detail)
            .code(failure.public_code())
    };
    match failure.kind {
        FailureKind::Declined => refused("card-declined", "The card was declined"),
        FailureKind::BadToken => {
            Problem::invalid("token", "is not known to Stripe, or was used before").code(failure.public_code())
        }
        FailureKind::Refused | FailureKind::Lapsed | FailureKind::Lost => {
            refused("payment-refused", "The payment was refused")
        }
    }
}

impl From<PayError> for Problem {
    fn from(error: PayError) -> Self {
        match error {
            PayError::NotFound(_) => Self::not_found(error),
            PayError::NotPayable(reason) => reason.into(),
            PayError::NotChargeable { .. } => Self::invalid("orderId", error).code("amount-not-chargeable"),
            PayError::Db(error) => error.into(),
        }
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
