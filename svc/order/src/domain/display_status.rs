//! The status of an order as displayed.

use events::OrderStatus;

/// The status of an order as displayed: refunds do not change the stored status, but are displayed as one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DisplayStatus {
    Stored(OrderStatus),
    /// Complete, and some of the tickets are refunded.
    PartiallyRefunded,
    /// Complete, and all of the tickets are refunded.
    Refunded,
}

impl DisplayStatus {
    /// Returns the display status of an order of `quantity` tickets.
    pub(super) fn new(status: OrderStatus, quantity: u32, refunded: u32) -> Self {
        match status {
            OrderStatus::Complete if refunded >= quantity => Self::Refunded,
            OrderStatus::Complete if refunded > 0 => Self::PartiallyRefunded,
            status => Self::Stored(status),
        }
    }
}
