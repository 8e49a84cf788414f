//! The JSON shape of a withdrawal.

use poem_openapi::{Object, types::Example};
use values::{TicketId, Timestamp};

use super::order::example as order;
use crate::domain::Progress;

/// How far the sales of a listing are refunded, in orders.
#[derive(Clone, Debug, Object)]
#[oai(rename = "Withdrawal", rename_all = "camelCase", example)]
pub(crate) struct WithdrawalView {
    /// The listing.
    ticket_id: TicketId,
    /// When it was withdrawn; `null` as long as the order service has not heard that it was.
    #[oai(nullable)]
    withdrawn_at: Option<Timestamp>,
    /// All orders that are paid, or being paid.
    orders: u32,
    /// Those that are refunded wholly.
    refunded: u32,
    /// Those that wait: for their payment, for the refund, for a bank that decides on a dispute.
    pending: u32,
    /// Those of which a refund could not be paid; each refund says why. They can be refunded again, together.
    failed: u32,
    /// Those whose refund was paid, and sent back by the buyer's bank later: settle with these buyers by another way.
    sent_back: u32,
}

impl WithdrawalView {
    pub(crate) fn of(ticket_id: TicketId, withdrawn_at: Option<Timestamp>, progress: Progress) -> Self {
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
        let progress = Progress {
            orders: 40,
            refunded: 37,
            failed: 1,
            sent_back: 0,
        };
        let order = order();
        Self::of(order.ticket_id, Some(order.expires_at), progress)
    }
}
