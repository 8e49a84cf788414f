//! The part of a message by which it becomes obsolete.

use events::Event;

use crate::{
    ids,
    order_service::{OrderView, RefundView},
    payment_service::PaymentView,
};

#[derive(Debug)]
pub(crate) enum MessageContent {
    /// A version of the order.
    Order {
        version: i64,
    },
    /// A payment that is pending or authorised.
    OpenPayment,
    /// A payment that is captured or has ended.
    DecidedPayment,
    ApprovedRefund {
        refund: String,
    },
    /// The result of a refund: one of the order, by its index, or one in the dashboard.
    RefundResult {
        version: i64,
        refund: Option<usize>,
    },
    Other,
}

impl MessageContent {
    pub(crate) fn of(event: &Event) -> Self {
        if let Some(order) = event.as_order() {
            return Self::Order {
                version: order.version.cast_signed(),
            };
        }
        match event {
            Event::PaymentPending(_) | Event::PaymentAuthorized(_) => Self::OpenPayment,
            Event::PaymentCreated(_) | Event::PaymentFailed(_) => Self::DecidedPayment,
            Event::RefundApproved(refund) => Self::ApprovedRefund {
                refund: refund.id.to_string(),
            },
            Event::PaymentRefunded(result) | Event::PaymentRefundFailed(result) => Self::RefundResult {
                version: result.payment.version.cast_signed(),
                refund: result.refund.as_ref().and_then(|refund| {
                    let id = refund.id.to_string();
                    ids::REFUNDS.iter().position(|known| *known == id)
                }),
            },
            _ => Self::Other,
        }
    }

    /// Whether the message can never again make a difference once the services are in these states. The caller drops
    /// only messages that make none now, either.
    pub(crate) fn is_obsolete(&self, order: &OrderView, payment: &PaymentView) -> bool {
        match self {
            Self::Order { version } => *version <= payment.bill_version,
            Self::OpenPayment => order.status != "created",
            Self::DecidedPayment => ["complete", "cancelled"].contains(&order.status.as_str()),
            Self::ApprovedRefund { refund } => payment.refunds.iter().any(|(known, _)| known == refund),
            // A paid refund stays paid; of other results the newest version counts.
            Self::RefundResult { version, refund } => {
                let is_applied = |refund: &RefundView| refund.status == "paid" && refund.payment_version >= *version;
                order.payment_version >= *version
                    && refund.is_none_or(|index| order.refunds.get(index).is_some_and(is_applied))
            }
            Self::Other => false,
        }
    }
}
