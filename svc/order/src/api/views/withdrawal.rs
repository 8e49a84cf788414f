//! Withdrawals of listings.

use poem_openapi::{Object, types::Example};
use values::{TicketId, Timestamp};

use super::order::OrderView;
use crate::domain::WithdrawalProgress;

/// The progress of refunding the sales of a listing, in orders.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Withdrawal", rename_all = "camelCase", example)]
pub(crate) struct WithdrawalView {
    /// The listing.
    ticket_id: TicketId,
    /// When the listing was withdrawn; `null` until the order service has received the withdrawal.
    #[oai(nullable)]
    withdrawn_at: Option<Timestamp>,
    /// All orders that are paid, or being paid.
    orders: u32,
    /// Orders that are completely refunded.
    refunded: u32,
    /// Orders that wait: for their payment, for the refund, for the bank's decision on a dispute.
    pending: u32,
    /// Orders with a refund that could not be paid; each refund has the reason. They can be retried together.
    failed: u32,
    /// Orders whose refund was paid, and sent back by the buyer's bank later: settle with these buyers by other means.
    sent_back: u32,
}

impl WithdrawalView {
    pub(crate) fn new(ticket_id: TicketId, withdrawn_at: Option<Timestamp>, progress: WithdrawalProgress) -> Self {
        Self {
            ticket_id,
            withdrawn_at,
            orders: progress.orders,
            refunded: progress.refunded,
            pending: progress.pending(),
            failed: progress.failed,
            sent_back: progress.sent_back,
        }
    }
}

impl Example for WithdrawalView {
    fn example() -> Self {
        let order = OrderView::example();
        let progress = WithdrawalProgress {
            orders: 40,
            refunded: 37,
            failed: 1,
            sent_back: 0,
        };
        Self::new(order.ticket.id, Some(order.expires_at), progress)
    }
}
