//! The orders of a listing, as its seller sees them.

use events::{DisputeStatus, OrderStatus};
use values::{Money, OrderId, UserId, text_enum};

/// The order of a buyer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ListingOrder {
    pub(crate) id: OrderId,
    pub(crate) buyer_id: UserId,
    pub(crate) state: OrderState,
    /// Whether the buyer's bank has yet to decide on a dispute of the charge.
    pub(crate) is_disputed: bool,
    pub(crate) quantity: u32,
    /// The price of all tickets.
    pub(crate) total: Money,
    pub(crate) refunded_quantity: u32,
    /// In the currency of the total.
    pub(crate) refunded_amount: i64,
}

/// The buyer of an order, as far as the account is known. A deleted account has neither name nor address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Buyer {
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
}

text_enum! {
    /// The state of an order as it is shown: a refund is one.
    pub(crate) enum OrderState {
        /// The tickets are held until the deadline.
        Created = "created",
        /// The payment is authorised.
        AwaitingPayment = "awaiting:payment",
        /// It is paid.
        Complete = "complete",
        /// It is paid, and some of the tickets are refunded.
        PartiallyRefunded = "partially_refunded",
        /// It is paid, and all of the tickets are refunded.
        Refunded = "refunded",
        /// It ended without a sale.
        Cancelled = "cancelled",
    }
}

impl ListingOrder {
    /// Returns the order in the state that its service has published.
    pub(crate) fn published(order: &events::Order) -> Self {
        let after = order.after_sale.as_ref();
        let refunded_quantity = after.map_or(0, |after| after.refunded_quantity).min(order.quantity);
        let dispute = after.and_then(|after| after.dispute.as_ref());
        Self {
            id: order.id,
            buyer_id: order.buyer_id,
            state: OrderState::of(order.status, order.quantity, refunded_quantity),
            is_disputed: dispute.is_some_and(|dispute| dispute.status == DisputeStatus::Open),
            quantity: order.quantity,
            total: order.total,
            refunded_quantity,
            refunded_amount: after.map_or(0, |after| after.refunded_amount.amount),
        }
    }
}

impl OrderState {
    fn of(status: OrderStatus, quantity: u32, refunded: u32) -> Self {
        match status {
            OrderStatus::Created => Self::Created,
            OrderStatus::AwaitingPayment => Self::AwaitingPayment,
            OrderStatus::Complete if refunded >= quantity => Self::Refunded,
            OrderStatus::Complete if refunded > 0 => Self::PartiallyRefunded,
            OrderStatus::Complete => Self::Complete,
            OrderStatus::Cancelled => Self::Cancelled,
        }
    }
}
