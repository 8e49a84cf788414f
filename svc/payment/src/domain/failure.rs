//! Why a payment failed.

use super::decline;

/// Why a payment failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// Stripe's code for it, such as `insufficient_funds`.
    pub(crate) code: String,
    /// For people.
    pub(crate) message: String,
}

/// Who refused, as far as it matters to the buyer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FailureKind {
    /// The bank.
    Declined,
    /// Stripe does not know the token, or it was used before.
    BadToken,
    /// Stripe, for another reason.
    Refused,
    /// The authorisation ended before the money was taken.
    Lapsed,
    /// The request never arrived.
    Lost,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, code: &str, message: &str) -> Self {
        Self {
            kind,
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }

    /// The intent was cancelled by Stripe, after some days, or by somebody in its dashboard.
    pub(crate) fn lapsed() -> Self {
        Self::new(
            FailureKind::Lapsed,
            "authorization_lapsed",
            "The bank's authorisation ended before the money was taken.",
        )
    }

    pub(crate) fn unexplained() -> Self {
        Self::new(FailureKind::Declined, "generic_decline", "Your card was declined.")
    }

    /// The code as the buyer may know it: see [`decline::public_code`].
    pub(crate) fn public_code(&self) -> &str {
        match self.kind {
            FailureKind::Declined => decline::public_code(&self.code),
            _ => &self.code,
        }
    }

    /// Why, in words for the buyer.
    pub(crate) fn told_to_buyer(&self) -> &str {
        match self.kind {
            FailureKind::Declined => decline::told_to_buyer(&self.code),
            _ => &self.message,
        }
    }
}
