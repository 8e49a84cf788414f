//! Fixtures of the unit tests.

use db::Tx;
use values::{Money, Timestamp, UserId};

use crate::domain::{Listing, ListingState, Offer, ShortText, Terms};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// The tables of this service, in memory.
pub(crate) fn database() -> Tx {
    Tx::in_memory(&<crate::Ticket as chassis::Service>::SCHEMA).unwrap()
}

pub(crate) fn usd(amount: i64) -> Money {
    Money {
        amount,
        currency: "usd".parse().unwrap(),
    }
}

pub(crate) fn offer(title: &str, price: Money, quantity: Option<u32>) -> Offer {
    let terms = Terms {
        title: ShortText::parse(title).unwrap(),
        description: None,
        venue: None,
        starts_at: None,
        price,
        order_window_seconds: None,
        max_per_buyer: None,
        refunds: events::RefundTerms::default(),
    };
    Offer { terms, quantity }
}

pub(crate) fn starting(mut offer: Offer, starts_at: Timestamp) -> Offer {
    offer.terms.starts_at = Some(starts_at);
    offer
}

/// A new listing of this offer, with some of its state replaced.
pub(crate) fn listing_with(offer: Offer, change: impl FnOnce(&mut ListingState)) -> Listing {
    let mut state = Listing::create(UserId::new(NOW), offer, NOW).unwrap().into_state();
    change(&mut state);
    Listing::from_state(state)
}
