//! Refunds.

use std::fmt::Display;

use events::{AskedBy, RefundStatus};
use input::{CanonicalText, Text, TextRule, Whole};
use poem_openapi::{Enum, Object, types::Example};
use values::{MAX_QUANTITY, Money, OrderId, RefundId, TicketId, Timestamp};

use super::order::OrderView;
use crate::domain::{Refund, RefundReason};

input::object! {
    /// Tickets of an order to refund.
    pub(crate) struct NewRefund {
        /// The number of tickets; if left out, all that are not refunded or being refunded.
        pub(crate) quantity as "quantity": Option<Whole<1, MAX_QUANTITY>>,
        /// The reason, in your words, with a visible character unless it is blank.
        pub(crate) reason as "reason": Option<Text<Reason>>,
    }
    example: {"quantity": 1, "reason": "My friend is ill."}
}

/// A reason. A blank one counts as left out.
#[derive(Clone)]
pub(crate) struct Reason;

impl TextRule for Reason {
    type Value = Option<RefundReason>;
    const MAX_CHARS: usize = RefundReason::MAX_CHARS;
    const PATTERN: Option<&'static str> = Some(r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$");

    fn parse(text: String) -> Result<Option<RefundReason>, impl Display> {
        RefundReason::parse(&text)
    }
}

impl CanonicalText for Reason {
    fn canonical(value: &Option<RefundReason>) -> Option<&str> {
        value.as_ref().map(RefundReason::as_str)
    }
}

/// A refund of tickets of an order.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Refund", rename_all = "camelCase", example)]
pub(crate) struct RefundView {
    /// The refund.
    id: RefundId,
    /// The order.
    order_id: OrderId,
    /// The listing.
    ticket_id: TicketId,
    /// The title of the listing when the order was placed.
    title: String,
    /// The number of tickets.
    quantity: u32,
    /// The money to pay back: the price of the tickets.
    amount: Money,
    /// The status.
    status: RefundStatusView,
    /// The requester.
    asked_by: RequesterView,
    /// The reason, in the requester's words.
    #[oai(skip_serializing_if_is_none)]
    reason: Option<String>,
    /// Why the refund could not be paid. If its status is `paid`: why the buyer's bank sent the money back later.
    #[oai(skip_serializing_if_is_none)]
    failure: Option<String>,
    /// When the refund was requested.
    created_at: Timestamp,
    /// When the refund changed last.
    updated_at: Timestamp,
}

/// The refunds of an order.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Refunds", rename_all = "camelCase", example)]
pub(crate) struct RefundListView {
    /// The refunds, the oldest first.
    pub(crate) items: Vec<RefundView>,
}

/// The status of a refund.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "RefundStatus", rename_all = "kebab-case")]
pub(crate) enum RefundStatusView {
    /// The buyer requested it; the seller has not decided.
    Requested,
    /// The money is being paid back.
    Approved,
    /// The seller declined it.
    Declined,
    /// The money is paid back, and the tickets no longer belong to the buyer.
    Paid,
    /// The money could not be paid back: the tickets still belong to the buyer.
    Failed,
}

/// The requester of a refund.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
#[oai(rename = "RefundAskedBy", rename_all = "kebab-case")]
pub(crate) enum RequesterView {
    /// The buyer.
    Buyer,
    /// The seller.
    Seller,
    /// The marketplace, because the listing was withdrawn.
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

impl From<AskedBy> for RequesterView {
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
        let state = refund.into_state();
        Self {
            id: state.id,
            order_id: state.order_id,
            ticket_id: state.ticket_id,
            title: state.title,
            quantity: state.quantity,
            amount: state.amount,
            status: state.status.into(),
            asked_by: state.requested_by.into(),
            reason: state.reason.map(RefundReason::into_string),
            failure: state.failure,
            created_at: state.created_at,
            updated_at: state.updated_at,
        }
    }
}

impl Example for RefundView {
    fn example() -> Self {
        let order = OrderView::example();
        Self {
            id: RefundId::example(),
            order_id: order.id,
            ticket_id: order.ticket.id,
            title: order.ticket.title,
            quantity: 1,
            amount: order.ticket.price,
            status: RefundStatusView::Requested,
            asked_by: RequesterView::Buyer,
            reason: Some("My friend is ill.".to_owned()),
            failure: None,
            created_at: order.expires_at,
            updated_at: order.expires_at,
        }
    }
}

impl Example for RefundListView {
    fn example() -> Self {
        Self {
            items: vec![RefundView::example()],
        }
    }
}
