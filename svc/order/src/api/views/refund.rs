//! What the service says of refunds over HTTP.

use events::{AskedBy, RefundStatus};
use poem_openapi::{Enum, Object, types::Example};
use serde::{Deserialize, Serialize};
use values::{Money, OrderId, PaymentId, RefundId, TicketId, Timestamp};

use super::order::example as order;
use crate::domain::{Reason, Refund};

/// What somebody wants to give back.
#[derive(Clone, Debug, Object, Serialize, Deserialize)]
#[oai(rename_all = "camelCase", deny_unknown_fields, example)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewRefund {
    /// How many tickets; all that were not refunded yet if it is left out.
    #[oai(nullable, validator(minimum(value = "1")))]
    #[serde(default)]
    pub(crate) quantity: Option<u32>,
    /// Why, in your words.
    #[oai(nullable, validator(max_length = 500))]
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

impl Example for NewRefund {
    fn example() -> Self {
        Self {
            quantity: Some(1),
            reason: Some("My friend is ill.".to_owned()),
        }
    }
}

/// Tickets of an order that go back, for what was paid for them.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Refund", rename_all = "camelCase", example)]
pub(crate) struct RefundView {
    /// The refund.
    id: RefundId,
    /// Whose tickets go back.
    order_id: OrderId,
    /// The listing.
    ticket_id: TicketId,
    /// What it was called when the order was placed.
    title: String,
    /// How many tickets.
    quantity: u32,
    /// What was paid for them.
    amount: Money,
    /// Where it stands.
    status: RefundStatusView,
    /// Who asked for it.
    asked_by: Asker,
    /// Why, in their words.
    #[oai(skip_serializing_if_is_none)]
    reason: Option<String>,
    /// Why it could not be paid. Of a refund that is paid: the buyer's bank sent the money back later.
    #[oai(skip_serializing_if_is_none)]
    failure: Option<String>,
    /// When it was asked for.
    created_at: Timestamp,
    /// When it changed last.
    updated_at: Timestamp,
}

/// The refunds of an order.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Refunds", rename_all = "camelCase", example)]
pub(crate) struct RefundsView {
    /// The oldest first.
    pub(crate) items: Vec<RefundView>,
}

/// Where a refund stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "RefundStatus", rename_all = "kebab-case")]
pub(crate) enum RefundStatusView {
    /// The buyer asks; the seller has not decided.
    Requested,
    /// The money is being paid back.
    Approved,
    /// The seller said no.
    Declined,
    /// The money is paid back, and the tickets are no longer the buyer's.
    Paid,
    /// The money could not be paid back: the tickets stay the buyer's.
    Failed,
}

/// Who asked for a refund.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "RefundAskedBy", rename_all = "kebab-case")]
pub(crate) enum Asker {
    /// The buyer.
    Buyer,
    /// The seller.
    Seller,
    /// Nobody: the listing was withdrawn.
    Withdrawal,
}

impl From<RefundStatusView> for RefundStatus {
    fn from(status: RefundStatusView) -> Self {
        match status {
            RefundStatusView::Requested => Self::Requested,
            RefundStatusView::Approved => Self::Approved,
            RefundStatusView::Declined => Self::Declined,
            RefundStatusView::Paid => Self::Paid,
            RefundStatusView::Failed => Self::Failed,
        }
    }
}

impl From<RefundStatus> for RefundStatusView {
    fn from(status: RefundStatus) -> Self {
        match status {
            RefundStatus::Requested => Self::Requested,
            RefundStatus::Approved => Self::Approved,
            RefundStatus::Declined => Self::Declined,
            RefundStatus::Paid => Self::Paid,
            RefundStatus::Failed => Self::Failed,
        }
    }
}

impl From<AskedBy> for Asker {
    fn from(asked_by: AskedBy) -> Self {
        match asked_by {
            AskedBy::Buyer => Self::Buyer,
            AskedBy::Seller => Self::Seller,
            AskedBy::Withdrawal => Self::Withdrawal,
        }
    }
}

impl From<Refund> for RefundView {
    fn from(refund: Refund) -> Self {
        Self {
            id: refund.id,
            order_id: refund.order_id,
            ticket_id: refund.ticket_id,
            title: refund.title,
            quantity: refund.quantity,
            amount: refund.amount,
            status: refund.status.into(),
            asked_by: refund.asked_by.into(),
            reason: refund.reason.as_ref().map(Reason::as_str).map(str::to_owned),
            failure: refund.failure,
            created_at: refund.created_at,
            updated_at: refund.updated_at,
        }
    }
}

impl Example for RefundView {
    fn example() -> Self {
        let (order, asked) = (order(), NewRefund::example());
        Refund {
            id: RefundId::example(),
            version: 1,
            status: RefundStatus::Requested,
            order_id: order.id,
            payment_id: PaymentId::example(),
            buyer_id: order.buyer_id,
            seller_id: order.seller_id,
            ticket_id: order.ticket_id,
            title: order.title,
            quantity: 1,
            amount: order.price,
            asked_by: AskedBy::Buyer,
            reason: asked.reason.map(Reason::known),
            failure: None,
            returned: false,
            payment_version: None,
            created_at: order.expires_at,
            updated_at: order.expires_at,
        }
        .into()
    }
}

impl Example for RefundsView {
    fn example() -> Self {
        Self {
            items: vec![RefundView::example()],
        }
    }
}
