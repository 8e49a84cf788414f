//! The replica of an order: what the buyer owes, and whether a payment may be captured.

use std::time::Duration;

use events::{CancelReason, Order, OrderStatus};
use values::{Money, OrderId, PaymentId, Timestamp, UserId};

/// The fields of an order that a payment depends on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PayableOrder {
    pub(crate) order_id: OrderId,
    /// The order's version.
    pub(crate) version: u64,
    pub(crate) status: OrderStatus,
    pub(crate) cancel_reason: Option<CancelReason>,
    pub(crate) buyer_id: UserId,
    /// `None` if the replica was last updated by a release that did not store sellers.
    pub(crate) seller_id: Option<UserId>,
    pub(crate) total: Money,
    /// The deadline for paying.
    pub(crate) expires_at: Timestamp,
    /// The payment that the order was confirmed with.
    pub(crate) payment_id: Option<PaymentId>,
}

/// The longest time from the start of a payment to the result of its first call to Stripe: the timeout is at most a minute.
const LONGEST_CALL: Duration = Duration::from_secs(90);

/// What an order decides about one payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CaptureDecision {
    /// Not decided yet.
    Wait,
    /// The order is confirmed with this payment: capture it.
    Capture,
    /// The order ended, or another payment pays for it: void this one.
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

impl PayableOrder {
    /// Checks that a payment may start. After its deadline an order counts as expired, even before the event arrives.
    pub(crate) fn ensure_payable(&self, now: Timestamp) -> Result<(), NotPayable> {
        match self.status {
            OrderStatus::Created if now < self.expires_at => Ok(()),
            OrderStatus::Created => Err(NotPayable::Expired),
            OrderStatus::AwaitingPayment => Err(NotPayable::BeingPaid),
            OrderStatus::Complete => Err(NotPayable::Complete),
            OrderStatus::Cancelled if self.cancel_reason == Some(CancelReason::Expired) => Err(NotPayable::Expired),
            OrderStatus::Cancelled => Err(NotPayable::Cancelled),
        }
    }

    /// Whether the deadline may pass before a call to Stripe ends that begins now.
    pub(crate) fn may_end_during_a_call(&self, now: Timestamp) -> bool {
        now.until(self.expires_at) < LONGEST_CALL
    }

    /// Returns what the order decides about a payment.
    pub(crate) fn capture_decision(&self, payment: PaymentId) -> CaptureDecision {
        match self.status {
            OrderStatus::Created => CaptureDecision::Wait,
            OrderStatus::AwaitingPayment | OrderStatus::Complete if self.payment_id == Some(payment) => {
                CaptureDecision::Capture
            }
            OrderStatus::AwaitingPayment | OrderStatus::Complete | OrderStatus::Cancelled => CaptureDecision::Void,
        }
    }
}

impl From<&Order> for PayableOrder {
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
