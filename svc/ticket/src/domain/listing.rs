//! A listing: what its seller offers, what its orders have taken of it, which changes it allows.

use values::{TicketId, Timestamp, UserId};

use super::{
    image::Image,
    offer::{Offer, Terms},
    sale_period::SalePhase,
    times::{InvalidTimes, check_times},
};

/// A listing of identical tickets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Listing {
    state: ListingState,
}

/// The state of a listing as it is stored and announced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ListingState {
    pub(crate) id: TicketId,
    pub(crate) seller_id: UserId,
    pub(crate) terms: Terms,
    /// How many tickets the seller wants to sell in all.
    pub(crate) wanted: u32,
    /// Counts the seller's changes. Orders change the stock, not the listing.
    pub(crate) version: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) withdrawn_at: Option<Timestamp>,
    pub(crate) image: Option<Image>,
    pub(crate) stock: Stock,
}

/// The tickets that the orders of a listing have taken, as far as their events have arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Stock {
    /// Tickets of open orders.
    pub(crate) held: u64,
    /// Tickets of paid orders.
    pub(crate) sold: u64,
}

/// Whether a listing can be bought from, and if not, why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ListingStatus {
    OnSale,
    SoldOut,
    SaleNotBegun,
    SaleEnded,
    /// The event has begun: too late to buy.
    Begun,
    Withdrawn,
}

/// Why a listing does not allow a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum CannotChange {
    #[error("the ticket is withdrawn")]
    Withdrawn,
    #[error("title and price are fixed while tickets are held or sold: {} held, {} sold", .0.held, .0.sold)]
    Reserved(Stock),
    #[error("{} held and {} sold are more than {requested}", .stock.held, .stock.sold)]
    BelowReserved { stock: Stock, requested: u32 },
    /// Without its start, the listing of an event that has begun would be on sale again.
    #[error("cannot be removed: the event has begun")]
    StartRemoved,
    #[error(transparent)]
    InvalidTimes(#[from] InvalidTimes),
}

impl Listing {
    /// Creates the first version of a listing. Its quantity is 1 unless the offer has one.
    pub(crate) fn create(seller_id: UserId, offer: Offer, now: Timestamp) -> Result<Self, InvalidTimes> {
        check_times(&offer.terms, None, now)?;
        Ok(Self {
            state: ListingState {
                id: TicketId::new(now),
                seller_id,
                terms: offer.terms,
                wanted: offer.quantity.unwrap_or(1),
                version: 1,
                created_at: now,
                updated_at: now,
                withdrawn_at: None,
                image: None,
                stock: Stock::default(),
            },
        })
    }

    /// Rebuilds a listing from its stored or announced state.
    pub(crate) fn from_state(state: ListingState) -> Self {
        Self { state }
    }

    /// Replaces the offer. Returns whether that changed anything.
    ///
    /// The quantity can go down to the tickets held and sold. The order service decides a race between a lower quantity and an
    /// order, so more than [`wanted`](Self::wanted) may be sold; see [`quantity`](Self::quantity).
    pub(crate) fn change(&mut self, offer: Offer, now: Timestamp) -> Result<bool, CannotChange> {
        let Offer { terms, quantity } = offer;
        let state = &mut self.state;
        if state.withdrawn_at.is_some() {
            return Err(CannotChange::Withdrawn);
        }
        let is_fixed = state.stock.taken() > 0;
        if is_fixed && (terms.title != state.terms.title || terms.price != state.terms.price) {
            return Err(CannotChange::Reserved(state.stock));
        }
        if let Some(requested) = quantity.filter(|requested| u64::from(*requested) < state.stock.taken()) {
            return Err(CannotChange::BelowReserved {
                stock: state.stock,
                requested,
            });
        }
        let has_begun = state.terms.starts_at.is_some_and(|start| start <= now);
        if has_begun && terms.starts_at.is_none() {
            return Err(CannotChange::StartRemoved);
        }
        check_times(&terms, Some(&state.terms), now)?;
        let wanted = quantity.unwrap_or(state.wanted);
        if terms == state.terms && wanted == state.wanted {
            return Ok(false);
        }
        state.terms = terms;
        state.wanted = wanted;
        self.touch(now);
        Ok(true)
    }

    /// Takes the listing off sale for good, which cancels its open orders. Returns whether that changed anything.
    pub(crate) fn withdraw(&mut self, now: Timestamp) -> bool {
        if self.is_withdrawn() {
            return false;
        }
        self.state.withdrawn_at = Some(now);
        self.touch(now);
        true
    }

    /// Replaces the picture. Returns whether that changed anything.
    pub(crate) fn set_image(&mut self, image: Image, now: Timestamp) -> Result<bool, CannotChange> {
        if self.is_withdrawn() {
            return Err(CannotChange::Withdrawn);
        }
        if self.state.image.as_ref() == Some(&image) {
            return Ok(false);
        }
        self.state.image = Some(image);
        self.touch(now);
        Ok(true)
    }

    /// Removes the picture, also that of a withdrawn listing, whose last version stays the withdrawal. Returns whether that changed
    /// anything.
    pub(crate) fn remove_image(&mut self, now: Timestamp) -> bool {
        let is_removed = self.state.image.take().is_some();
        if is_removed && !self.is_withdrawn() {
            self.touch(now);
        }
        is_removed
    }

    fn touch(&mut self, now: Timestamp) {
        self.state.version += 1;
        // A clock that was set back does not make a listing younger.
        self.state.updated_at = now.max(self.state.updated_at);
    }

    /// Returns the number of tickets in all: the number wanted, but never fewer than are held and sold. The order service
    /// applies the same rule, so both arrive at the same number.
    pub(crate) fn quantity(&self) -> u64 {
        u64::from(self.state.wanted).max(self.state.stock.taken())
    }

    /// Returns the number of tickets that can be bought now.
    pub(crate) fn available(&self, now: Timestamp) -> u64 {
        if self.is_withdrawn() || self.phase(now) != SalePhase::Open {
            return 0;
        }
        self.quantity().saturating_sub(self.state.stock.taken())
    }

    pub(crate) fn status(&self, now: Timestamp) -> ListingStatus {
        if self.is_withdrawn() {
            return ListingStatus::Withdrawn;
        }
        match self.phase(now) {
            SalePhase::EventBegun => ListingStatus::Begun,
            SalePhase::Ended => ListingStatus::SaleEnded,
            SalePhase::Before => ListingStatus::SaleNotBegun,
            SalePhase::Open if self.available(now) == 0 => ListingStatus::SoldOut,
            SalePhase::Open => ListingStatus::OnSale,
        }
    }

    pub(crate) fn phase(&self, now: Timestamp) -> SalePhase {
        let terms = &self.state.terms;
        terms.sale.phase(terms.starts_at, now)
    }

    /// Returns when the phase of the sale changes next after `now`: what the listing shows changes then.
    pub(crate) fn changes_after(&self, now: Timestamp) -> Option<Timestamp> {
        let Terms { starts_at, sale, .. } = &self.state.terms;
        let times = [*starts_at, sale.begin, sale.end].into_iter().flatten();
        times.filter(|time| *time > now).min()
    }

    pub(crate) fn is_withdrawn(&self) -> bool {
        self.state.withdrawn_at.is_some()
    }

    pub(crate) fn id(&self) -> TicketId {
        self.state.id
    }

    pub(crate) fn seller_id(&self) -> UserId {
        self.state.seller_id
    }

    pub(crate) fn version(&self) -> u64 {
        self.state.version
    }

    pub(crate) fn stock(&self) -> Stock {
        self.state.stock
    }

    /// Returns the whole state, to be stored, announced or shown.
    pub(crate) fn state(&self) -> &ListingState {
        &self.state
    }

    /// Returns the whole state by value.
    pub(crate) fn into_state(self) -> ListingState {
        self.state
    }
}

impl Stock {
    /// Returns the number of tickets held or sold.
    pub(crate) fn taken(self) -> u64 {
        self.held.saturating_add(self.sold)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        domain::ShortText,
        domain::sale_period::InvalidTime,
        test_support::{NOW, listing_with, offer, starting, usd},
    };

    const STARTED: InvalidTimes = InvalidTimes {
        starts_at: Some(InvalidTime::Past),
        refundable_until: None,
        sales_begin: None,
        sales_end: None,
    };

    fn listing(wanted: u32, held: u64, sold: u64) -> Listing {
        listing_with(offer("Concert", usd(1999), Some(wanted)), |state| {
            state.stock = Stock { held, sold };
        })
    }

    #[test]
    fn an_offer_without_a_quantity_is_one_ticket() {
        let listing = Listing::create(UserId::new(NOW), offer("Concert", usd(1999), None), NOW).unwrap();
        assert_eq!(
            (listing.state().wanted, listing.available(NOW), listing.status(NOW)),
            (1, 1, ListingStatus::OnSale)
        );
    }

    #[test]
    fn title_and_price_are_fixed_while_anything_is_held_or_sold() {
        for stock in [(1, 0), (0, 1)] {
            let mut listing = listing(5, stock.0, stock.1);
            let reserved = Err(CannotChange::Reserved(listing.stock()));
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
    fn the_quantity_shrinks_to_the_tickets_held_and_sold_at_most() {
        let mut listing = listing(10, 2, 3);
        let stock = listing.stock();
        assert_eq!(
            listing.change(offer("Concert", usd(1999), Some(4)), NOW),
            Err(CannotChange::BelowReserved { stock, requested: 4 })
        );
        assert_eq!(listing.change(offer("Concert", usd(1999), Some(5)), NOW), Ok(true));
        assert_eq!(
            (listing.quantity(), listing.available(NOW), listing.status(NOW)),
            (5, 0, ListingStatus::SoldOut)
        );
    }

    #[test]
    fn a_listing_shows_more_than_wanted_after_a_lost_race() {
        // The order service had sold five when the lower quantity arrived.
        let mut listing = listing(4, 0, 5);
        assert_eq!((listing.quantity(), listing.available(NOW)), (5, 0));
        let mut longer = offer("Concert", usd(1999), None);
        longer.terms.order_window_seconds = Some(60);
        assert_eq!(
            listing.change(longer, NOW),
            Ok(true),
            "a change without a quantity is accepted"
        );
        assert_eq!(listing.state().wanted, 4);
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
    fn a_withdrawn_listing_stays_withdrawn() {
        let mut listing = listing(5, 0, 0);
        assert!(listing.withdraw(NOW));
        assert!(!listing.withdraw(NOW));
        assert_eq!(
            (listing.version(), listing.available(NOW), listing.status(NOW)),
            (2, 0, ListingStatus::Withdrawn)
        );
        assert_eq!(
            listing.change(offer("Concert", usd(1999), Some(9)), NOW),
            Err(CannotChange::Withdrawn)
        );
    }

    #[test]
    fn no_ticket_is_sold_after_the_start() {
        let start = NOW + Duration::from_mins(1);
        let concert = || starting(offer("Concert", usd(1999), Some(5)), start);
        let mut listing = Listing::create(UserId::new(NOW), concert(), NOW).unwrap();
        assert_eq!(listing.available(NOW), 5);
        assert_eq!(
            (listing.available(start), listing.status(start)),
            (0, ListingStatus::Begun)
        );
        let mut corrected = concert();
        corrected.terms.venue = Some(ShortText::parse("Hall 2").unwrap());
        assert_eq!(
            listing.change(corrected, start),
            Ok(true),
            "a start in the past may stay"
        );
        let again = starting(offer("Concert", usd(1999), None), NOW);
        assert_eq!(listing.change(again, start), Err(CannotChange::InvalidTimes(STARTED)));
        let without_start = offer("Concert", usd(1999), None);
        assert_eq!(listing.change(without_start, start), Err(CannotChange::StartRemoved));
        assert_eq!(listing.status(start), ListingStatus::Begun, "nothing is on sale again");
    }

    #[test]
    fn times_in_the_past_are_refused_and_may_stay() {
        let create = |terms| Listing::create(UserId::new(NOW), terms, NOW);
        let late = || starting(offer("Concert", usd(1999), None), NOW);
        assert_eq!(create(late()), Err(STARTED));
        let refundable = |mut offer: Offer, until| {
            offer.terms.refunds.refundable_until = Some(until);
            offer
        };
        let both = InvalidTimes {
            refundable_until: Some(InvalidTime::Past),
            ..STARTED
        };
        assert_eq!(create(refundable(late(), NOW)), Err(both), "both are named");
        let until = NOW + Duration::from_mins(1);
        let soon = || refundable(offer("Concert", usd(1999), None), until);
        let mut listing = create(soon()).unwrap();
        let mut longer = soon();
        longer.terms.order_window_seconds = Some(60);
        assert_eq!(listing.change(longer, until), Ok(true));
        let earlier = refundable(soon(), NOW);
        let refused = CannotChange::InvalidTimes(InvalidTimes {
            refundable_until: Some(InvalidTime::Past),
            ..InvalidTimes::default()
        });
        assert_eq!(listing.change(earlier, until), Err(refused));
    }

    #[test]
    fn a_change_keeps_the_times_of_the_sale_consistent() {
        let minutes = |minutes| NOW + Duration::from_mins(minutes);
        let with_sale = |begin: Option<u64>, end: Option<u64>, start: u64| {
            let mut offer = starting(offer("Concert", usd(1999), Some(5)), minutes(start));
            offer.terms.sale.begin = begin.map(minutes);
            offer.terms.sale.end = end.map(minutes);
            offer
        };
        let mut listing = Listing::create(UserId::new(NOW), with_sale(Some(1), Some(2), 3), NOW).unwrap();
        let phases = [0, 1, 2, 3].map(|minute| (listing.available(minutes(minute)), listing.status(minutes(minute))));
        assert_eq!(
            phases,
            [
                (0, ListingStatus::SaleNotBegun),
                (5, ListingStatus::OnSale),
                (0, ListingStatus::SaleEnded),
                (0, ListingStatus::Begun)
            ]
        );
        assert_eq!(
            [0, 1, 2, 3].map(|minute| listing.changes_after(minutes(minute))),
            [Some(minutes(1)), Some(minutes(2)), Some(minutes(3)), None]
        );
        let refused = |sales_begin, sales_end| {
            Err(CannotChange::InvalidTimes(InvalidTimes {
                sales_begin,
                sales_end,
                ..InvalidTimes::default()
            }))
        };
        for (offer, now, changed) in [
            (
                with_sale(Some(1), Some(5), 4),
                0,
                refused(None, Some(InvalidTime::AfterStart)),
            ),
            (
                with_sale(Some(2), Some(2), 3),
                0,
                refused(Some(InvalidTime::NotBeforeSalesEnd), None),
            ),
            (
                with_sale(Some(3), None, 3),
                0,
                refused(Some(InvalidTime::NotBeforeStart), None),
            ),
            (
                with_sale(Some(0), Some(1), 3),
                1,
                refused(None, Some(InvalidTime::Past)),
            ),
            (with_sale(Some(0), Some(2), 3), 2, Ok(true)),
            (with_sale(Some(0), None, 3), 2, Ok(true)),
        ] {
            assert_eq!(listing.change(offer.clone(), minutes(now)), changed, "{offer:?}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_make_a_listing_younger() {
        let mut listing = listing(5, 0, 0);
        listing.withdraw(NOW - Duration::from_secs(9));
        assert_eq!(listing.state().updated_at, NOW);
    }
}
