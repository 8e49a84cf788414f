//! How far the sales of a withdrawn listing are refunded.

/// How far the sales of a listing are refunded, in orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Progress {
    /// All that are paid or being paid.
    pub(crate) orders: u32,
    /// Those whose tickets, or whose money, went back wholly.
    pub(crate) refunded: u32,
    /// Those of which a refund could not be paid.
    pub(crate) failed: u32,
    /// Those whose refund was paid, and sent back by the buyer's bank later.
    pub(crate) sent_back: u32,
}

impl Progress {
    /// Those that wait: for the payment, for the refund, for the bank's decision.
    pub(crate) fn pending(self) -> u32 {
        let settled = self.refunded + self.failed + self.sent_back;
        self.orders.saturating_sub(settled)
    }
}
