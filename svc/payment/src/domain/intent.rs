//! A payment intent of Stripe, and the result of a request about it.

use values::Timestamp;

use super::{Failure, StripeFee};

/// The result of a request to Stripe about a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum StripeResult {
    /// The payment intent as it is now.
    Intent(Box<Intent>),
    /// No money was authorised, and the same request would be refused again.
    Refused(Failure),
    /// Stripe has no such intent.
    NotFound,
    /// Stripe shows no such intent, and may show one later.
    NotShown,
    /// No answer, or one without a result: the request may have been executed or not. Holds the reason, for the log.
    Unknown(String),
    /// Stripe did not execute the request, because there are too many. Holds the reason, for the log.
    RateLimited(String),
}

impl Intent {
    /// Returns the charge with which the last card was declined.
    pub(crate) fn declined_charge(&self) -> Option<&str> {
        let is_declined = self.status == IntentStatus::RequiresPaymentMethod && self.failure.is_some();
        self.charge_id.as_deref().filter(|_| is_declined)
    }

    /// Whether the money was captured and then refunded in full: the intent holds none.
    pub(crate) fn is_refunded(&self) -> bool {
        self.funds.as_ref().is_some_and(|funds| funds.is_refunded)
    }

    /// Whether money is authorised or captured, and neither released nor refunded in full.
    pub(crate) fn holds_money(&self) -> bool {
        match self.status {
            IntentStatus::RequiresCapture => true,
            IntentStatus::Succeeded => !self.is_refunded(),
            _ => false,
        }
    }
}

impl StripeResult {
    /// A missing intent may appear later.
    pub(crate) fn or_not_shown(self) -> Self {
        match self {
            Self::NotFound => Self::NotShown,
            result => result,
        }
    }
}

impl From<Intent> for StripeResult {
    fn from(intent: Intent) -> Self {
        Self::Intent(Box::new(intent))
    }
}

/// The fields of a payment intent that the service uses (<https://docs.stripe.com/api/payment_intents/object>).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Intent {
    pub(crate) id: String,
    pub(crate) status: IntentStatus,
    /// Minor units.
    pub(crate) amount: i64,
    /// Minor units that were captured.
    pub(crate) amount_received: i64,
    /// ISO 4217, in lower case.
    pub(crate) currency: String,
    /// The payment named in its metadata.
    pub(crate) payment_id: Option<String>,
    /// The order named in its metadata.
    pub(crate) order_id: Option<String>,
    /// The buyer named in its metadata.
    pub(crate) buyer_id: Option<String>,
    pub(crate) created_at: Timestamp,
    /// Minor units that were refunded, where the response included the charge.
    pub(crate) amount_refunded: Option<i64>,
    /// The secret with which a browser continues the intent.
    pub(crate) client_secret: Option<String>,
    /// The page on which the bank authenticates the buyer, where there is one.
    pub(crate) next_action_url: Option<String>,
    /// Why the last card was refused.
    pub(crate) failure: Option<Failure>,
    /// The last charge.
    pub(crate) charge_id: Option<String>,
    /// The captured money, where the response included the charge with its fee.
    pub(crate) funds: Option<ChargedFunds>,
}

/// The captured money of a charge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ChargedFunds {
    /// Stripe's fee, once it is known.
    pub(crate) fee: Option<StripeFee>,
    /// Minor units that were refunded.
    pub(crate) refunded: i64,
    /// Whether all of it was refunded.
    pub(crate) is_refunded: bool,
    /// Whether the buyer's bank has disputed it.
    pub(crate) is_disputed: bool,
}

impl ChargedFunds {
    /// Returns Stripe's fee if nothing but the fee can be learned of the charge.
    pub(crate) fn fee_of_untouched(&self) -> Option<&StripeFee> {
        self.fee.as_ref().filter(|_| self.refunded == 0 && !self.is_disputed)
    }
}

/// The status of a payment intent (<https://docs.stripe.com/payments/paymentintents/lifecycle>).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum IntentStatus {
    /// Authorised, not captured.
    RequiresCapture,
    /// Captured.
    Succeeded,
    /// The authorisation was released, or there never was one.
    Canceled,
    /// The card was refused, or none was given yet.
    RequiresPaymentMethod,
    /// The bank has to authenticate the buyer.
    RequiresAction,
    /// Any other status: Stripe or the buyer is still busy.
    Other,
}

impl IntentStatus {
    /// Reads Stripe's text.
    pub(crate) fn from_stripe(status: &str) -> Self {
        match status {
            "requires_capture" => Self::RequiresCapture,
            "succeeded" => Self::Succeeded,
            "canceled" => Self::Canceled,
            "requires_payment_method" => Self::RequiresPaymentMethod,
            "requires_action" => Self::RequiresAction,
            _ => Self::Other,
        }
    }
}
