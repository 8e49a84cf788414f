//! Fixtures of the unit tests.

use std::time::Duration;

use values::{Money, TicketId, Timestamp, UserId};

use crate::domain::{Listing, Order};

pub(crate) const WINDOW: Duration = Duration::from_mins(15);
pub(crate) const EXTENSION: Duration = Duration::from_mins(5);

pub(crate) fn noon() -> Timestamp {
    "2027-06-01T12:00:00Z".parse().unwrap()
}

pub(crate) fn usd(amount: i64) -> Money {
    Money {
        amount,
        currency: "usd".parse().unwrap(),
    }
}

/// A listing with 100 tickets left.
pub(crate) fn listing() -> Listing {
    Listing {
        id: TicketId::new(noon()),
        seller_id: UserId::new(noon()),
        title: "The Lighthouse Keepers, live".to_owned(),
        price: usd(1999),
        starts_at: None,
        window: None,
        withdrawn_at: None,
        refundable_until: None,
        resell_refunded: true,
        left: 100,
    }
}

/// A new order of two tickets.
pub(crate) fn order() -> Order {
    Order::place(&listing(), UserId::new(noon()), 2, WINDOW, noon()).unwrap()
}
