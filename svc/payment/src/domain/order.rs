//! An order, as far as paying for it goes: a replica of what the order service says.

use events::{CancelReason, Order, OrderStatus};
use values::{Money, OrderId, PaymentId, Timestamp, UserId};

/// What a buyer owes for an order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Bill {
    pub(crate) order_id: OrderId,
    /// The order's version.
    pub(crate) version: u64,
    pub(crate) status: OrderStatus,
    pub(crate) cancel_reason: Option<CancelReason>,
    pub(crate) buyer_id: UserId,
    /// Who sells; `None` where only an older release has heard of the order.
    pub(crate) seller_id: Option<UserId>,
    pub(crate) total: Money,
    pub(crate) expires_at: Timestamp,
    /// The payment that the order was confirmed with.
    pub(crate) payment_id: Option<PaymentId>,
}

/// What an order wants of a payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ruling {
    /// Nothing yet.
    Wait,
    /// The order is confirmed with this payment: take the money.
    Capture,
    /// The order ended, or another payment pays for it: let the money go.
    Void,
}

/// Why an order cannot be paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NotPayable {
    #[error("the order was not paid in time")]
    Expired,
    #[error("the order was cancelled")]
    Cancelled,
    #[error("the order is paid already")]
    Complete,
    #[error("a payment for the order is under way")]
    BeingPaid,
}

impl Bill {
    /// Whether a payment may begin. An order that is past its deadline is about to be cancelled, whoever says so first.
    pub(crate) fn payable(&self, now: Timestamp) -> Result<(), NotPayable> {
        match self.status {
            OrderStatus::Created if now < self.expires_at => Ok(()),
            OrderStatus::Created => Err(NotPayable::Expired),
            OrderStatus::AwaitingPayment => Err(NotPayable::BeingPaid),
            OrderStatus::Complete => Err(NotPayable::Complete),
            OrderStatus::Cancelled if self.cancel_reason == Some(CancelReason::Expired) => Err(NotPayable::Expired),
            OrderStatus::Cancelled => Err(NotPayable::Cancelled),
        }
    }

    /// What is to become of this payment.
    pub(crate) fn ruling(&self, payment: PaymentId) -> Ruling {
        match self.status {
            OrderStatus::Created => Ruling::Wait,
            OrderStatus::AwaitingPayment | OrderStatus::Complete if self.payment_id == Some(payment) => Ruling::Capture,
            OrderStatus::AwaitingPayment | OrderStatus::Complete | OrderStatus::Cancelled => Ruling::Void,
        }
    }
}

impl From<&Order> for Bill {
    fn from(order: &Order) -> Self {
        Self {
            order_id: order.id,
            version: order.version,
            status: order.status,
            cancel_reason: order.cancel_reason,
            buyer_id: order.buyer_id,
            seller_id: Some(order.seller_id),
            total: order.total,
            expires_at: order.expires_at,
            payment_id: order.payment_id,
        }
    }
}
