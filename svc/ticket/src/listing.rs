//! A listing: what its seller wants, what its orders have taken of it, and what may be done with it.

use values::{TicketId, Timestamp, UserId};

use crate::offer::{Line, Offer, Prose, Terms};

/// A listing of identical tickets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Listing {
    pub(crate) id: TicketId,
    pub(crate) seller_id: UserId,
    pub(crate) terms: Terms,
    /// How many the seller wants to sell in all.
    pub(crate) wanted: u32,
    /// Counts the seller's changes. Orders change what is left, not the listing.
    pub(crate) version: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) withdrawn_at: Option<Timestamp>,
    pub(crate) stock: Stock,
}

/// What the orders of a listing have taken, as far as this service has heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Stock {
    /// By orders that are open.
    pub(crate) held: u64,
    /// By orders that are paid.
    pub(crate) sold: u64,
}

/// Whether a listing can be bought from, and if not, why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Status {
    OnSale,
    SoldOut,
    /// It has begun: too late to buy.
    Begun,
    Withdrawn,
}

/// A start that is past when it is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be in the future")]
pub(crate) struct StartsInThePast;

/// Why a listing cannot be changed as its seller asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CannotChange {
    #[error("the ticket is withdrawn")]
    Withdrawn,
    #[error("title and price are fixed while tickets are held or sold: {} held, {} sold", .0.held, .0.sold)]
    Reserved(Stock),
    #[error("{} held and {} sold are more than {asked}", .stock.held, .stock.sold)]
    BelowReserved { stock: Stock, asked: u32 },
    #[error(transparent)]
    Start(#[from] StartsInThePast),
}

impl Listing {
    /// Puts an offer on sale.
    pub(crate) fn open(seller_id: UserId, offer: Offer, now: Timestamp) -> Result<Self, StartsInThePast> {
        starts_after(now, offer.terms.starts_at)?;
        Ok(Self {
            id: TicketId::new(now),
            seller_id,
            terms: offer.terms,
            wanted: offer.quantity.unwrap_or(1),
            version: 1,
            created_at: now,
            updated_at: now,
            withdrawn_at: None,
            stock: Stock::default(),
        })
    }

    /// Replaces the offer; says whether that made a difference.
    ///
    /// The number can go down to what is held and sold. It is the order service that decides a race between a lower
    /// number and an order, so more than [`wanted`](Self::wanted) may be sold; see [`quantity`](Self::quantity).
    pub(crate) fn change(&mut self, offer: Offer, now: Timestamp) -> Result<bool, CannotChange> {
        let Offer { terms, quantity } = offer;
        if self.withdrawn_at.is_some() {
            return Err(CannotChange::Withdrawn);
        }
        let fixed = self.stock.taken() > 0;
        if fixed && (terms.title != self.terms.title || terms.price != self.terms.price) {
            return Err(CannotChange::Reserved(self.stock));
        }
        if let Some(asked) = quantity.filter(|asked| u64::from(*asked) < self.stock.taken()) {
            return Err(CannotChange::BelowReserved {
                stock: self.stock,
                asked,
            });
        }
        // A start that is past already may stay: the description of yesterday's concert can still be corrected.
        if terms.starts_at != self.terms.starts_at {
            starts_after(now, terms.starts_at)?;
        }
        let wanted = quantity.unwrap_or(self.wanted);
        if terms == self.terms && wanted == self.wanted {
            return Ok(false);
        }
        self.terms = terms;
        self.wanted = wanted;
        self.touch(now);
        Ok(true)
    }

    /// Takes the listing off sale for good, which cancels its open orders; says whether that made a difference.
    pub(crate) fn withdraw(&mut self, now: Timestamp) -> bool {
        if self.withdrawn_at.is_some() {
            return false;
        }
        self.withdrawn_at = Some(now);
        self.touch(now);
        true
    }

    fn touch(&mut self, now: Timestamp) {
        self.version += 1;
        // A clock that was set back does not make a listing younger.
        self.updated_at = now.max(self.updated_at);
    }

    /// How many tickets there are in all: as many as the seller wants, but never fewer than are held and sold. The
    /// order service goes by the same rule, so both come to the same number.
    pub(crate) fn quantity(&self) -> u64 {
        u64::from(self.wanted).max(self.stock.taken())
    }

    /// How many can be bought now.
    pub(crate) fn available(&self, now: Timestamp) -> u64 {
        if self.withdrawn_at.is_some() || self.has_begun(now) {
            return 0;
        }
        self.quantity().saturating_sub(self.stock.taken())
    }

    pub(crate) fn status(&self, now: Timestamp) -> Status {
        if self.withdrawn_at.is_some() {
            Status::Withdrawn
        } else if self.has_begun(now) {
            Status::Begun
        } else if self.available(now) == 0 {
            Status::SoldOut
        } else {
            Status::OnSale
        }
    }

    pub(crate) fn has_begun(&self, now: Timestamp) -> bool {
        self.terms.starts_at.is_some_and(|start| start <= now)
    }
}

impl Stock {
    /// Held or sold.
    pub(crate) fn taken(self) -> u64 {
        self.held.saturating_add(self.sold)
    }
}

fn starts_after(now: Timestamp, start: Option<Timestamp>) -> Result<(), StartsInThePast> {
    start
        .is_none_or(|start| start > now)
        .then_some(())
        .ok_or(StartsInThePast)
}

/// As the other services hear of it.
impl From<&Listing> for events::Ticket {
    fn from(listing: &Listing) -> Self {
        Self {
            id: listing.id,
            version: listing.version,
            seller_id: listing.seller_id,
            title: listing.terms.title.as_str().to_owned(),
            price: listing.terms.price,
            quantity: listing.wanted,
            starts_at: listing.terms.starts_at,
            order_window_seconds: listing.terms.order_window_seconds,
            withdrawn_at: listing.withdrawn_at,
            refund_terms: listing.terms.refunds,
            record: Some(events::TicketRecord {
                description: listing.terms.description.clone().map(Prose::into_string),
                venue: listing.terms.venue.clone().map(Line::into_string),
                created_at: listing.created_at,
                updated_at: listing.updated_at,
            }),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use values::Money;

    use super::*;

    pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    pub(crate) fn usd(amount: i64) -> Money {
        Money {
            amount,
            currency: "usd".parse().unwrap(),
        }
    }

    pub(crate) fn offer(title: &str, price: Money, quantity: Option<u32>) -> Offer {
        let terms = Terms {
            title: Line::parse(title).unwrap(),
            description: None,
            venue: None,
            starts_at: None,
            price,
            order_window_seconds: None,
            refunds: events::RefundTerms::default(),
        };
        Offer { terms, quantity }
    }

    pub(crate) fn starting(mut offer: Offer, starts_at: Timestamp) -> Offer {
        offer.terms.starts_at = Some(starts_at);
        offer
    }

    fn listing(wanted: u32, held: u64, sold: u64) -> Listing {
        let mut listing = Listing::open(UserId::new(NOW), offer("Concert", usd(1999), Some(wanted)), NOW).unwrap();
        listing.stock = Stock { held, sold };
        listing
    }

    #[test]
    fn one_ticket_is_sold_where_no_number_is_said() {
        let listing = Listing::open(UserId::new(NOW), offer("Concert", usd(1999), None), NOW).unwrap();
        assert_eq!(
            (listing.wanted, listing.available(NOW), listing.status(NOW)),
            (1, 1, Status::OnSale)
        );
    }

    #[test]
    fn title_and_price_are_fixed_while_anything_is_held_or_sold() {
        for stock in [(1, 0), (0, 1)] {
            let mut listing = listing(5, stock.0, stock.1);
            let reserved = Err(CannotChange::Reserved(listing.stock));
            assert_eq!(listing.change(offer("Concert", usd(2000), None), NOW), reserved);
            assert_eq!(listing.change(offer("Other", usd(1999), None), NOW), reserved);
            assert_eq!(
                listing.change(offer("Concert", usd(1999), Some(6)), NOW),
                Ok(true),
                "but it may grow"
            );
        }
    }

    #[test]
    fn the_number_shrinks_down_to_what_is_held_and_sold() {
        let mut listing = listing(10, 2, 3);
        let stock = listing.stock;
        assert_eq!(
            listing.change(offer("Concert", usd(1999), Some(4)), NOW),
            Err(CannotChange::BelowReserved { stock, asked: 4 })
        );
        assert_eq!(listing.change(offer("Concert", usd(1999), Some(5)), NOW), Ok(true));
        assert_eq!(
            (listing.quantity(), listing.available(NOW), listing.status(NOW)),
            (5, 0, Status::SoldOut)
        );
    }

    #[test]
    fn a_shrink_that_lost_its_race_is_told_as_it_ended() {
        // The order service had sold five when it heard that only four are wanted.
        let mut listing = listing(4, 0, 5);
        assert_eq!((listing.quantity(), listing.available(NOW)), (5, 0));
        let mut longer = offer("Concert", usd(1999), None);
        longer.terms.order_window_seconds = Some(60);
        assert_eq!(
            listing.change(longer, NOW),
            Ok(true),
            "and what says no number still goes"
        );
        assert_eq!(listing.wanted, 4);
    }

    #[test]
    fn a_change_that_changes_nothing_is_no_new_version() {
        let mut listing = listing(5, 0, 0);
        let before = listing.clone();
        assert_eq!(
            listing.change(offer("Concert", usd(1999), Some(5)), NOW + Duration::from_secs(1)),
            Ok(false)
        );
        assert_eq!(listing, before);
    }

    #[test]
    fn what_is_withdrawn_stays_so() {
        let mut listing = listing(5, 0, 0);
        assert!(listing.withdraw(NOW));
        assert!(!listing.withdraw(NOW));
        assert_eq!(
            (listing.version, listing.available(NOW), listing.status(NOW)),
            (2, 0, Status::Withdrawn)
        );
        assert_eq!(
            listing.change(offer("Concert", usd(1999), Some(9)), NOW),
            Err(CannotChange::Withdrawn)
        );
    }

    #[test]
    fn nothing_is_sold_once_it_has_begun() {
        let start = NOW + Duration::from_mins(1);
        let concert = || starting(offer("Concert", usd(1999), Some(5)), start);
        let mut listing = Listing::open(UserId::new(NOW), concert(), NOW).unwrap();
        assert_eq!(listing.available(NOW), 5);
        assert_eq!((listing.available(start), listing.status(start)), (0, Status::Begun));
        let mut corrected = concert();
        corrected.terms.venue = Some(Line::parse("Hall 2").unwrap());
        assert_eq!(
            listing.change(corrected, start),
            Ok(true),
            "a start that is past may stay"
        );
        let again = starting(offer("Concert", usd(1999), None), NOW);
        assert_eq!(listing.change(again, start), Err(CannotChange::Start(StartsInThePast)));
    }

    #[test]
    fn nothing_starts_in_the_past() {
        let late = starting(offer("Concert", usd(1999), None), NOW);
        assert_eq!(Listing::open(UserId::new(NOW), late, NOW), Err(StartsInThePast));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_make_a_listing_younger() {
        let mut listing = listing(5, 0, 0);
        listing.withdraw(NOW - Duration::from_secs(9));
        assert_eq!(listing.updated_at, NOW);
    }
}
