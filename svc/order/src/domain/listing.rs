//! A listing, as far as orders need to know it, with its stock.

use std::time::Duration;

use values::{Money, TicketId, Timestamp, UserId};

/// The order service's copy of a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Listing {
    pub(crate) id: TicketId,
    pub(crate) seller_id: UserId,
    pub(crate) title: String,
    pub(crate) price: Money,
    pub(crate) starts_at: Option<Timestamp>,
    /// Within which time an order of it is to be paid, if that is not the usual window.
    pub(crate) window: Option<Duration>,
    pub(crate) withdrawn_at: Option<Timestamp>,
    /// Until when a buyer gets a refund without the seller being asked.
    pub(crate) refundable_until: Option<Timestamp>,
    /// Whether refunded tickets are sold again.
    pub(crate) resell_refunded: bool,
    /// How many are neither held nor sold.
    pub(crate) left: u32,
}

/// Why tickets of a listing cannot be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NotForSale {
    #[error("the seller has withdrawn this listing")]
    Withdrawn,
    #[error("the event has begun")]
    Begun,
    #[error("{}", left(*.0))]
    SoldOut(u32),
}

fn left(count: u32) -> String {
    match count {
        0 => "no tickets are left".to_owned(),
        1 => "only 1 ticket is left".to_owned(),
        more => format!("only {more} tickets are left"),
    }
}

impl Listing {
    /// Whether it may be sold now, as far as time goes; how many are left is for the stock to say.
    pub(crate) fn on_sale(&self, now: Timestamp) -> Result<(), NotForSale> {
        if self.withdrawn_at.is_some() {
            return Err(NotForSale::Withdrawn);
        }
        if self.starts_at.is_some_and(|start| start <= now) {
            return Err(NotForSale::Begun);
        }
        Ok(())
    }
}
