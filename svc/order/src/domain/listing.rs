//! The replica of a listing.

use std::time::Duration;

use values::{Money, TicketId, Timestamp, UserId};

/// The order service's replica of a listing, with its stock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Listing {
    pub(crate) id: TicketId,
    pub(crate) seller_id: UserId,
    pub(crate) title: String,
    pub(crate) price: Money,
    pub(crate) starts_at: Option<Timestamp>,
    /// The time to pay an order of this listing; `None` for the marketplace's usual one.
    pub(crate) order_window: Option<Duration>,
    pub(crate) withdrawn_at: Option<Timestamp>,
    /// Until when a buyer's refund is approved without the seller.
    pub(crate) refundable_until: Option<Timestamp>,
    /// Whether refunded tickets are sold again.
    pub(crate) resell_refunded: bool,
    /// The maximum number of tickets of one buyer; `None` for the marketplace's.
    pub(crate) max_per_buyer: Option<u32>,
    /// The number of tickets that are neither held nor sold.
    pub(crate) available: u32,
}

/// Why tickets of a listing cannot be ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NotOnSale {
    #[error("the seller has withdrawn this listing")]
    Withdrawn,
    #[error("the event has begun")]
    EventBegun,
    /// Fewer tickets than ordered are available: this many.
    #[error("{}", available_text(*.0))]
    SoldOut(u32),
}

fn available_text(count: u32) -> String {
    match count {
        0 => "no tickets are left".to_owned(),
        1 => "only 1 ticket is left".to_owned(),
        more => format!("only {more} tickets are left"),
    }
}

impl Listing {
    /// Checks that the listing is not withdrawn and its event has not begun. `store::hold_tickets` checks the stock: its
    /// `UPDATE` and a `CHECK` decide every race.
    pub(crate) fn check_on_sale(&self, now: Timestamp) -> Result<(), NotOnSale> {
        if self.is_withdrawn() {
            return Err(NotOnSale::Withdrawn);
        }
        if self.starts_at.is_some_and(|start| start <= now) {
            return Err(NotOnSale::EventBegun);
        }
        Ok(())
    }

    pub(crate) fn is_withdrawn(&self) -> bool {
        self.withdrawn_at.is_some()
    }
}
