//! The replica of a listing.

use std::time::Duration;

use values::{Money, TicketId, Timestamp, UserId};

/// The order service's replica of a listing, with its stock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Listing {
    pub(crate) id: TicketId,
    /// The number of the replicated state.
    pub(crate) version: u64,
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

/// What a buyer has seen of a listing and bases an order on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct SeenListing {
    /// The price of one ticket.
    pub(crate) price: Option<Money>,
    /// The version of the listing.
    pub(crate) version: Option<u32>,
}

/// Why a listing is not as its buyer has seen it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NotAsSeen {
    /// The replica is older than what the buyer has seen: it has this version.
    #[error("the order service has version {0} of the ticket, and not yet the one that you have seen")]
    Outdated(u64),
    /// The price is this one.
    #[error("the price of a ticket is {} {}", .0.amount, .0.currency)]
    PriceChanged(Money),
}

impl SeenListing {
    /// Checks that the listing has the version that the buyer has seen, or a later one, at the same price.
    pub(crate) fn check(self, listing: &Listing) -> Result<(), NotAsSeen> {
        if self.version.is_some_and(|seen| u64::from(seen) > listing.version) {
            return Err(NotAsSeen::Outdated(listing.version));
        }
        match self.price {
            Some(expected) if expected != listing.price => Err(NotAsSeen::PriceChanged(listing.price)),
            _ => Ok(()),
        }
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
