//! Payments in requests and responses.

use poem_openapi::{Enum, Object, types::Example};
use values::{Money, OrderId, PaymentId, Timestamp};

use crate::domain::{Failure, Payment, PaymentStatus, RefundSummary};

/// A payment attempt for one order.
#[derive(Clone, PartialEq, Eq, Debug, Object)]
#[oai(rename = "Payment", rename_all = "camelCase", example)]
pub(crate) struct PaymentView {
    /// The id of the payment.
    id: PaymentId,
    /// The order that is paid.
    order_id: OrderId,
    /// The order's total.
    amount: Money,
    /// The status of the payment.
    status: PaymentStatusView,
    /// Why the last card was refused; in a final status, why the payment failed.
    #[oai(skip_serializing_if_is_none)]
    failure: Option<FailureView>,
    /// The secret with which Stripe.js continues the payment; present while the buyer has to act.
    #[oai(skip_serializing_if_is_none)]
    client_secret: Option<String>,
    /// The publishable key for Stripe.js; present together with `clientSecret`.
    #[oai(skip_serializing_if_is_none)]
    publishable_key: Option<String>,
    /// The page on which the bank authenticates the buyer, if there is one: redirect the browser to it, unless Stripe.js
    /// does.
    #[oai(skip_serializing_if_is_none)]
    next_action_url: Option<String>,
    /// The amount that was refunded or is being refunded; absent if there is none.
    #[oai(skip_serializing_if_is_none)]
    refunded: Option<Money>,
    /// The dispute of the charge by the buyer's bank, if there was one.
    #[oai(skip_serializing_if_is_none)]
    dispute: Option<DisputeView>,
    /// When the payment started.
    created_at: Timestamp,
    /// When the payment last changed.
    updated_at: Timestamp,
}

/// Why a payment failed.
#[derive(Clone, PartialEq, Eq, Debug, Object)]
#[oai(rename = "PaymentFailure", rename_all = "camelCase")]
pub(crate) struct FailureView {
    /// For programs: a decline code of Stripe, such as `insufficient_funds`.
    code: String,
    /// For people.
    message: String,
}

/// A dispute of a charge by the buyer's bank.
#[derive(Clone, PartialEq, Eq, Debug, Object)]
#[oai(rename = "PaymentDispute", rename_all = "camelCase")]
pub(crate) struct DisputeView {
    /// The status of the dispute.
    status: DisputeStatusView,
    /// The disputed amount.
    amount: Money,
}

/// The status of a dispute.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "DisputeStatus", rename_all = "kebab-case")]
pub(crate) enum DisputeStatusView {
    /// The bank has not decided.
    Open,
    /// The bank has decided for the seller: the money is returned.
    Won,
    /// The bank has decided for the buyer: it keeps the money.
    Lost,
}

/// The status of a payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "PaymentStatus", rename_all = "kebab-case")]
pub(crate) enum PaymentStatusView {
    /// Stripe has not confirmed the payment yet.
    Started,
    /// The buyer has to enter a card, or another one (see `failure`), with `clientSecret`.
    RequiresPaymentMethod,
    /// The bank has to authenticate the buyer (3-D Secure): with `clientSecret`, or at `nextActionUrl`.
    RequiresAction,
    /// The money is authorised. It is captured once the order is confirmed, else released.
    Authorized,
    /// The order is confirmed: the money is being captured.
    Capturing,
    /// The money is captured.
    Captured,
    /// The order ended: the authorisation is being released.
    Voiding,
    /// The authorisation was released. No money was captured.
    Voided,
    /// No money was captured, and none will be.
    Failed,
}

impl From<PaymentStatus> for PaymentStatusView {
    fn from(status: PaymentStatus) -> Self {
        match status {
            PaymentStatus::Started => Self::Started,
            PaymentStatus::RequiresPaymentMethod => Self::RequiresPaymentMethod,
            PaymentStatus::RequiresAction => Self::RequiresAction,
            PaymentStatus::Authorized => Self::Authorized,
            PaymentStatus::Capturing => Self::Capturing,
            PaymentStatus::Captured => Self::Captured,
            PaymentStatus::Voiding => Self::Voiding,
            PaymentStatus::Voided => Self::Voided,
            PaymentStatus::Failed => Self::Failed,
        }
    }
}

impl From<&Failure> for FailureView {
    fn from(failure: &Failure) -> Self {
        Self {
            code: failure.public_code().to_owned(),
            message: failure.buyer_message().to_owned(),
        }
    }
}

impl PaymentView {
    /// Returns a payment without what a browser continues it with.
    pub(crate) fn without_secrets(payment: &Payment, summary: &RefundSummary) -> Self {
        Self {
            client_secret: None,
            next_action_url: None,
            ..Self::new(payment, summary, None)
        }
    }

    /// Returns a payment as its buyer may see it.
    pub(crate) fn new(payment: &Payment, summary: &RefundSummary, publishable_key: Option<&str>) -> Self {
        let state = payment.state();
        let action = state.buyer_action.as_ref();
        let amount = state.amount;
        Self {
            id: state.id,
            order_id: state.order_id,
            amount,
            status: state.status.into(),
            failure: state.failure.as_ref().map(Into::into),
            publishable_key: publishable_key.filter(|_| action.is_some()).map(str::to_owned),
            client_secret: action.map(|action| action.client_secret.clone()),
            next_action_url: action.and_then(|action| action.url.clone()),
            refunded: (summary.refunded > 0).then_some(Money {
                amount: summary.refunded,
                ..amount
            }),
            dispute: summary.dispute.map(Into::into),
            created_at: state.created_at,
            updated_at: state.updated_at,
        }
    }
}

impl From<events::Dispute> for DisputeView {
    fn from(dispute: events::Dispute) -> Self {
        Self {
            status: match dispute.status {
                events::DisputeStatus::Open => DisputeStatusView::Open,
                events::DisputeStatus::Won => DisputeStatusView::Won,
                events::DisputeStatus::Lost => DisputeStatusView::Lost,
            },
            amount: dispute.amount,
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
            status: PaymentStatusView::Authorized,
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
