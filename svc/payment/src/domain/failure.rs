//! Why a payment failed.

use values::text_enum;

use super::decline;

/// Why a payment failed, or why its last card was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// Stripe's code, such as `insufficient_funds`.
    pub(crate) code: String,
    /// Stripe's message.
    pub(crate) message: String,
}

text_enum! {
    /// Which party refused, as far as it matters to the buyer.
    pub(crate) enum FailureKind {
        /// The bank.
        Declined = "declined",
        /// Stripe: the token is unknown or was used before.
        InvalidToken = "bad-token",
        /// Stripe, for another reason.
        Refused = "refused",
        /// None: the authorisation ended before the capture.
        Lapsed = "lapsed",
        /// None: the request never reached Stripe.
        NeverReached = "lost",
    }
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, code: &str, message: &str) -> Self {
        Self {
            kind,
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }

    /// Stripe cancelled the intent after some days, or an operator cancelled it, or refunded a wrong capture, in Stripe's
    /// dashboard.
    pub(crate) fn lapsed() -> Self {
        Self::new(
            FailureKind::Lapsed,
            "authorization_lapsed",
            "The bank's authorisation expired before the payment was completed.",
        )
    }

    /// Stripe has no intent for the payment, and none can appear any more.
    pub(crate) fn never_reached() -> Self {
        Self::new(
            FailureKind::NeverReached,
            "not_reached",
            "The payment did not reach the bank. You have not been charged. Try again.",
        )
    }

    /// A decline without a reason.
    pub(crate) fn generic_decline() -> Self {
        Self::new(FailureKind::Declined, "generic_decline", "Your card was declined.")
    }

    /// Returns the code that the buyer may read, see [`decline::public_code`].
    pub(crate) fn public_code(&self) -> &str {
        match self.kind {
            FailureKind::Declined => decline::public_code(&self.code),
            _ => &self.code,
        }
    }

    /// Returns the message that the buyer may read.
    pub(crate) fn buyer_message(&self) -> &str {
        match self.kind {
            FailureKind::Declined => decline::buyer_message(&self.code),
            _ => &self.message,
        }
    }
}
