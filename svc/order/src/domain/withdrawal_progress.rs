//! The progress of a withdrawal.

/// The progress of refunding the sales of a listing, in orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WithdrawalProgress {
    /// All orders that are paid or being paid.
    pub(crate) orders: u32,
    /// Orders whose tickets or money went back completely.
    pub(crate) refunded: u32,
    /// Orders with a refund that could not be paid.
    pub(crate) failed: u32,
    /// Orders whose refund was paid and later sent back by the buyer's bank.
    pub(crate) sent_back: u32,
}

impl WithdrawalProgress {
    /// Returns the number of orders that wait for their payment, their refund, or the decision on a dispute.
    pub(crate) fn pending(self) -> u32 {
        let settled = self.refunded + self.failed + self.sent_back;
        self.orders.saturating_sub(settled)
    }
}
