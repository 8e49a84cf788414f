//! Fixtures of the unit tests.

use db::Tx;
use values::{Money, Timestamp, UserId};

use crate::domain::{Codes, Listing, ListingState, Offer, SalePeriod, ShortText, Terms};

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
        time_zone: None,
        starts_at: None,
        sale: SalePeriod::default(),
        price,
        order_window_seconds: None,
        max_per_buyer: None,
        requires_second_factor: false,
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

/// Keys of codes.
pub(crate) fn codes() -> Codes {
    let encryption = sealing::EncryptionKeys::new([5; 32]);
    let key = encryption.seal(b"admission code key", &[6; 32], [7; 12]);
    Codes::open(encryption, &key).unwrap()
}
