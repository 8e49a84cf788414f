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
    /// When the sale begins; `None` for at once.
    pub(crate) sales_begin: Option<Timestamp>,
    /// When the sale ends; `None` for the start of the event.
    pub(crate) sales_end: Option<Timestamp>,
    /// Whether buyers have to sign in with a second factor.
    pub(crate) requires_second_factor: bool,
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
    /// The sale begins at this time.
    #[error("the sale begins at {0}")]
    SaleNotBegun(Timestamp),
    /// The sale ended at this time.
    #[error("the sale ended at {0}")]
    SaleEnded(Timestamp),
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

/// The seller sells to buyers with a second factor only, and this one has signed in without.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the seller requires a second factor: set one up for your account, and sign in with it")]
pub(crate) struct SecondFactorRequired;

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
    /// Checks that the listing is not withdrawn, its event has not begun, and its sale is open. `store::hold_tickets` checks the
    /// stock: its `UPDATE` and a `CHECK` decide every race.
    pub(crate) fn check_on_sale(&self, now: Timestamp) -> Result<(), NotOnSale> {
        if self.is_withdrawn() {
            return Err(NotOnSale::Withdrawn);
        }
        if self.starts_at.is_some_and(|start| start <= now) {
            return Err(NotOnSale::EventBegun);
        }
        if let Some(end) = self.sales_end.filter(|end| *end <= now) {
            return Err(NotOnSale::SaleEnded(end));
        }
        if let Some(begin) = self.sales_begin.filter(|begin| *begin > now) {
            return Err(NotOnSale::SaleNotBegun(begin));
        }
        Ok(())
    }

    /// Checks that a buyer has signed in as the seller requires it.
    pub(crate) fn check_factors(&self, has_second_factor: bool) -> Result<(), SecondFactorRequired> {
        if self.requires_second_factor && !has_second_factor {
            Err(SecondFactorRequired)
        } else {
            Ok(())
        }
    }

    pub(crate) fn is_withdrawn(&self) -> bool {
        self.withdrawn_at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{listing, noon};

    #[test]
    fn tickets_are_sold_from_the_begin_of_the_sale_until_its_end() {
        let minutes = |minutes| noon() + Duration::from_mins(minutes);
        let mut listing = listing();
        listing.sales_begin = Some(minutes(1));
        listing.sales_end = Some(minutes(2));
        listing.starts_at = Some(minutes(3));
        assert_eq!(
            [0, 1, 2, 3].map(|minute| listing.check_on_sale(minutes(minute))),
            [
                Err(NotOnSale::SaleNotBegun(minutes(1))),
                Ok(()),
                Err(NotOnSale::SaleEnded(minutes(2))),
                Err(NotOnSale::EventBegun)
            ]
        );
        listing.withdrawn_at = Some(noon());
        assert_eq!(listing.check_on_sale(noon()), Err(NotOnSale::Withdrawn));
    }
}
