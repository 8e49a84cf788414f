//! What Stripe says about a payment, in our own words.

use values::Timestamp;

use super::Failure;

/// What came of asking Stripe.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Learned {
    /// How the payment intent is now.
    Intent(Box<Intent>),
    /// Nothing was taken, and asking again would not help.
    Refused(Failure),
    /// There is no such intent, and there will be none.
    Absent,
    /// No answer, or none that says anything: whatever was asked may have happened or not. The reason is for the log.
    Unknown(String),
}

impl From<Intent> for Learned {
    fn from(intent: Intent) -> Self {
        Self::Intent(Box::new(intent))
    }
}

/// A payment intent (<https://docs.stripe.com/api/payment_intents/object>), as far as it matters here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Intent {
    pub(crate) id: String,
    pub(crate) status: IntentStatus,
    /// Minor units.
    pub(crate) amount: i64,
    /// Minor units that were taken.
    pub(crate) amount_received: i64,
    /// ISO 4217, in lower case.
    pub(crate) currency: String,
    /// The payment that it was made for, as its metadata says.
    pub(crate) payment_id: Option<String>,
    /// The order that it was made for, as its metadata says.
    pub(crate) order_id: Option<String>,
    /// Who pays, as its metadata says.
    pub(crate) buyer_id: Option<String>,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// Minor units that were given back, where the charge was asked for, too.
    pub(crate) amount_refunded: Option<i64>,
    /// What a browser needs to go on with it.
    pub(crate) client_secret: Option<String>,
    /// The page where the bank asks the buyer, where it is one.
    pub(crate) next_action_url: Option<String>,
    /// Why the last card was refused.
    pub(crate) failure: Option<Failure>,
}

/// Where a payment intent stands (<https://docs.stripe.com/payments/paymentintents/lifecycle>).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum IntentStatus {
    /// The money is set aside.
    RequiresCapture,
    /// The money is taken.
    Succeeded,
    /// The money is let go, or was never set aside.
    Canceled,
    /// The card was refused, or none was shown yet.
    RequiresPaymentMethod,
    /// The bank asks whether it is the buyer.
    RequiresAction,
    /// Waiting for somebody or something else.
    Other,
}

impl IntentStatus {
    /// Reads Stripe's word for it.
    pub(crate) fn of_word(word: &str) -> Self {
        match word {
            "requires_capture" => Self::RequiresCapture,
            "succeeded" => Self::Succeeded,
            "canceled" => Self::Canceled,
            "requires_payment_method" => Self::RequiresPaymentMethod,
            "requires_action" => Self::RequiresAction,
            _ => Self::Other,
        }
    }
}
