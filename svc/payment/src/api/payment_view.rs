//! What the service says over HTTP.

use poem_openapi::{Enum, Object, types::Example};
use serde::{Deserialize, Serialize};
use values::{Money, OrderId, PaymentId, Timestamp};

use crate::domain::{self, Failure, Gone, Payment};

/// How an order is to be paid.
#[derive(Clone, Debug, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", deny_unknown_fields, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewPayment {
    /// The order. It is paid in full.
    pub(crate) order_id: OrderId,
    /// The card, as Stripe named it to the browser: a token (`tok_…`) or a payment method (`pm_…`). Left out, the buyer
    /// shows the card to Stripe, with the answer's `clientSecret`: as Stripe's Payment Element does it. What is free needs
    /// none; one that comes all the same is neither kept nor shown to Stripe.
    #[oai(validator(pattern = "^(tok|pm)_[A-Za-z0-9_]{1,251}$"), skip_serializing_if_is_none)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// Where the bank's page sends the buyer when done, should it ask: with a `token` only. Otherwise Stripe.js asks in
    /// the page, or is told itself.
    #[oai(validator(max_length = 2048), skip_serializing_if_is_none)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) return_url: Option<String>,
}

impl Example for NewPayment {
    fn example() -> Self {
        let PaymentView { order_id, .. } = Example::example();
        Self {
            order_id,
            token: Some("tok_visa".to_owned()),
            return_url: None,
        }
    }
}

/// One attempt to pay for an order.
#[derive(Clone, PartialEq, Eq, Debug, Object)]
#[oai(rename = "Payment", rename_all = "camelCase", example)]
pub(crate) struct PaymentView {
    /// The payment.
    id: PaymentId,
    /// What is paid for.
    order_id: OrderId,
    /// How much.
    amount: Money,
    /// Where it stands.
    status: Status,
    /// Why the last card was refused; at the end, why the payment failed.
    #[oai(skip_serializing_if_is_none)]
    failure: Option<FailureView>,
    /// What Stripe.js needs to go on; only while the buyer is to do something, and for the buyer alone.
    #[oai(skip_serializing_if_is_none)]
    client_secret: Option<String>,
    /// The Stripe account, as Stripe.js wants to know it; beside `clientSecret`.
    #[oai(skip_serializing_if_is_none)]
    publishable_key: Option<String>,
    /// The page where the bank asks the buyer, where it is one; without Stripe.js, send the browser there.
    #[oai(skip_serializing_if_is_none)]
    next_action_url: Option<String>,
    /// What has gone back to the buyer, or is about to; absent where nothing has.
    #[oai(skip_serializing_if_is_none)]
    refunded: Option<Money>,
    /// The dispute of the charge with the buyer's bank, if there ever was one.
    #[oai(skip_serializing_if_is_none)]
    dispute: Option<DisputeView>,
    /// When it was begun.
    created_at: Timestamp,
    /// When it changed last.
    updated_at: Timestamp,
}

/// Why a payment failed.
#[derive(Clone, PartialEq, Eq, Debug, Object)]
#[oai(rename = "PaymentFailure", rename_all = "camelCase")]
pub(crate) struct FailureView {
    /// For programs, such as `insufficient_funds`: the decline codes of Stripe.
    code: String,
    /// For people.
    message: String,
}

/// A dispute of a charge with the buyer's bank.
#[derive(Clone, PartialEq, Eq, Debug, Object)]
#[oai(rename = "PaymentDispute", rename_all = "camelCase")]
pub(crate) struct DisputeView {
    /// How it stands.
    status: DisputeStatus,
    /// How much the bank wants back.
    amount: Money,
}

/// How a dispute stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename_all = "kebab-case")]
pub(crate) enum DisputeStatus {
    /// The bank has not decided.
    Open,
    /// The bank has decided for the seller: the money stays.
    Won,
    /// The bank has decided for the buyer: the money is gone.
    Lost,
}

/// Where a payment stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "PaymentStatus", rename_all = "kebab-case")]
pub(crate) enum Status {
    /// The bank is being asked.
    Started,
    /// The buyer is to show a card to Stripe, or another one (`failure` says why): with `clientSecret`.
    RequiresPaymentMethod,
    /// The bank asks whether it is the buyer (3-D Secure): with `clientSecret`, or at `nextActionUrl`.
    RequiresAction,
    /// The bank has set the money aside; it is taken once the order is confirmed, else let go.
    Authorized,
    /// The order is confirmed: the money is being taken.
    Capturing,
    /// The money is taken.
    Captured,
    /// The order ended: the money is being let go.
    Voiding,
    /// The money was let go; nothing was taken.
    Voided,
    /// Nothing was taken, and nothing will be.
    Failed,
}

impl From<domain::Status> for Status {
    fn from(status: domain::Status) -> Self {
        match status {
            domain::Status::Started => Self::Started,
            domain::Status::RequiresPaymentMethod => Self::RequiresPaymentMethod,
            domain::Status::RequiresAction => Self::RequiresAction,
            domain::Status::Authorized => Self::Authorized,
            domain::Status::Capturing => Self::Capturing,
            domain::Status::Captured => Self::Captured,
            domain::Status::Voiding => Self::Voiding,
            domain::Status::Voided => Self::Voided,
            domain::Status::Failed => Self::Failed,
        }
    }
}

impl From<&Failure> for FailureView {
    fn from(failure: &Failure) -> Self {
        Self {
            code: failure.public_code().to_owned(),
            message: failure.told_to_buyer().to_owned(),
        }
    }
}

impl PaymentView {
    /// A payment as its buyer may see it.
    pub(crate) fn of(payment: Payment, publishable_key: Option<&str>) -> Self {
        let (client_secret, next_action_url) = match payment.next {
            Some(next) => (Some(next.client_secret), next.url),
            None => (None, None),
        };
        Self {
            id: payment.id,
            order_id: payment.order_id,
            amount: payment.amount,
            status: payment.status.into(),
            failure: payment.failure.as_ref().map(Into::into),
            publishable_key: publishable_key.filter(|_| client_secret.is_some()).map(str::to_owned),
            client_secret,
            next_action_url,
            refunded: None,
            dispute: None,
            created_at: payment.created_at,
            updated_at: payment.updated_at,
        }
    }
}

impl PaymentView {
    /// With what has become of the money.
    pub(crate) fn with(self, gone: &Gone) -> Self {
        let amount = self.amount;
        let in_all = |minor: i64| Money {
            amount: minor,
            ..amount
        };
        Self {
            refunded: (gone.refunded > 0).then(|| in_all(gone.refunded)),
            dispute: gone.dispute.map(|(status, minor)| DisputeView {
                status: match status {
                    events::DisputeStatus::Open => DisputeStatus::Open,
                    events::DisputeStatus::Won => DisputeStatus::Won,
                    events::DisputeStatus::Lost => DisputeStatus::Lost,
                },
                amount: in_all(minor),
            }),
            ..self
        }
    }
}

#[expect(clippy::unwrap_used, reason = "constants, read by the drift test")]
impl Example for PaymentView {
    fn example() -> Self {
        let began: Timestamp = "2027-06-01T19:31:00Z".parse().unwrap();
        Self {
            id: "01936f5e-8c1a-7c3e-9d2b-000000000004".parse().unwrap(),
            order_id: "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e".parse().unwrap(),
            amount: Money {
                amount: 3998,
                currency: "usd".parse().unwrap(),
            },
            status: Status::Authorized,
            failure: None,
            client_secret: None,
            publishable_key: None,
            next_action_url: None,
            refunded: None,
            dispute: None,
            created_at: began,
            updated_at: began,
        }
    }
}
