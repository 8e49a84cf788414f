use std::time::Duration;

use values::Timestamp;

use super::{listing::Listing, order_limits::OrderLimits};

/// The orders of a buyer that the limits count.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct BuyerHistory {
    /// The number of unpaid orders, over all listings.
    pub(crate) open_orders: u32,
    /// The number of tickets of the listing in orders that are not cancelled, without those that are on sale again. Void
    /// tickets count: nobody else can buy them.
    pub(crate) tickets: u64,
    /// The ends of the orders of the listing that expired or that the buyer cancelled, the newest first.
    pub(crate) unpaid_ends: Vec<Timestamp>,
}

/// What a buyer may order of a listing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Allowance {
    /// The maximum number of tickets that a buyer may hold and have bought.
    pub(crate) max_per_buyer: u32,
    /// The number of tickets that this one holds and has bought.
    pub(crate) taken: u64,
    /// The maximum number of tickets of an order now, as far as they are available.
    pub(crate) quantity: u32,
    /// Until when orders are refused after too many unpaid ones.
    pub(crate) paused_until: Option<Timestamp>,
}

/// Why a buyer gets no more tickets for now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum BuyerLimit {
    /// Too many orders of the listing ended unpaid.
    #[error("{}", unpaid_text(*.orders))]
    UnpaidHolds { orders: u32, retry_after: Duration },
    #[error("you have {0} unpaid orders, and may have no more: pay or cancel one of them first")]
    OpenOrders(u32),
    /// The listing allows so many tickets per buyer, and so many are left for this one.
    #[error("a buyer may have {max} of these tickets in all, and you may take {left} more")]
    Tickets { max: u32, left: u32 },
}

fn unpaid_text(orders: u32) -> String {
    format!(
        "your last {orders} orders of these tickets were not paid: others come first for a while, and you may order again \
         after that"
    )
}

impl OrderLimits {
    /// Checks that a buyer with this history may hold `quantity` more tickets of a listing.
    pub(crate) fn check_buyer(
        &self,
        listing: &Listing,
        quantity: u32,
        history: &BuyerHistory,
        now: Timestamp,
    ) -> Result<(), BuyerLimit> {
        if let Some(retry_after) = self.pause_after_unpaid_holds(listing, &history.unpaid_ends, now) {
            let orders = self.sale.max_unpaid_holds;
            return Err(BuyerLimit::UnpaidHolds { orders, retry_after });
        }
        if history.open_orders >= self.sale.max_open_orders {
            return Err(BuyerLimit::OpenOrders(history.open_orders));
        }
        let max = self.sale.max_per_buyer(listing.max_per_buyer);
        let left = u64::from(max).saturating_sub(history.tickets);
        if u64::from(quantity) > left {
            let left = u32::try_from(left).unwrap_or(max);
            return Err(BuyerLimit::Tickets { max, left });
        }
        Ok(())
    }

    /// Returns what a buyer with this history may order of a listing now.
    pub(crate) fn allowance(&self, listing: &Listing, history: &BuyerHistory, now: Timestamp) -> Allowance {
        let max_per_buyer = self.sale.max_per_buyer(listing.max_per_buyer);
        let left = u64::from(max_per_buyer).saturating_sub(history.tickets);
        let left = u32::try_from(left).unwrap_or(max_per_buyer);
        let pause = self.pause_after_unpaid_holds(listing, &history.unpaid_ends, now);
        let is_refused = pause.is_some() || history.open_orders >= self.sale.max_open_orders;
        Allowance {
            max_per_buyer,
            taken: history.tickets,
            quantity: if is_refused {
                0
            } else {
                left.min(self.sale.max_tickets_per_order)
            },
            paused_until: pause.map(|rest| now + rest),
        }
    }

    /// Returns the rest of the pause after the last unpaid order, if so many ended within the window as are allowed. The time
    /// for which an order may hold tickets does not count: otherwise orders that are held for an hour would never be together.
    fn pause_after_unpaid_holds(&self, listing: &Listing, ends: &[Timestamp], now: Timestamp) -> Option<Duration> {
        let sale = &self.sale;
        let allowed = usize::try_from(sale.max_unpaid_holds).unwrap_or(usize::MAX);
        let (last, first) = (ends.first()?, ends.get(allowed.checked_sub(1)?)?);
        let held = listing.order_window.unwrap_or(self.default_window);
        let window = sale.unpaid_hold_window + held.saturating_mul(sale.max_unpaid_holds.saturating_sub(1));
        let are_together = first.until(*last) <= window;
        let rest = now.until(*last + sale.unpaid_hold_pause);
        (are_together && !rest.is_zero()).then(|| rest.min(sale.unpaid_hold_pause))
    }
}

#[cfg(test)]
mod tests {
    use sale_limits::SaleLimits;

    use super::*;
    use crate::test_support::{WINDOW, listing, noon};

    const HOUR: Duration = Duration::from_hours(1);

    fn limits() -> OrderLimits {
        let sale = SaleLimits {
            unpaid_hold_pause: Duration::from_mins(30),
            ..SaleLimits::default()
        };
        OrderLimits {
            sale,
            default_window: WINDOW,
        }
    }

    fn after_tickets(tickets: u64) -> BuyerHistory {
        BuyerHistory {
            tickets,
            ..BuyerHistory::default()
        }
    }

    #[test]
    fn a_buyer_has_at_most_as_many_tickets_as_the_listing_allows() {
        let (limits, now) = (limits(), noon());
        for (of_listing, taken, quantity, expected) in [
            (None, 0, 10, Ok(())),
            (None, 8, 2, Ok(())),
            (None, 8, 3, Err(BuyerLimit::Tickets { max: 10, left: 2 })),
            (Some(2), 0, 2, Ok(())),
            (Some(2), 1, 2, Err(BuyerLimit::Tickets { max: 2, left: 1 })),
            (Some(2), 5, 1, Err(BuyerLimit::Tickets { max: 2, left: 0 })),
            (Some(25), 20, 5, Ok(())),
        ] {
            let mut listing = listing();
            listing.max_per_buyer = of_listing;
            let checked = limits.check_buyer(&listing, quantity, &after_tickets(taken), now);
            assert_eq!(checked, expected, "{of_listing:?} {taken} {quantity}");
        }
    }

    #[test]
    fn the_allowance_is_what_an_order_is_granted() {
        let (limits, now) = (limits(), noon());
        for (max_per_buyer, tickets, open_orders, ends, quantity) in [
            (None, 0, 0, vec![], 10),
            (None, 8, 0, vec![], 2),
            (Some(25), 3, 0, vec![], 10),
            (Some(2), 5, 0, vec![], 0),
            (None, 0, 10, vec![], 0),
            (None, 0, 0, vec![now, now], 0),
        ] {
            let mut listing = listing();
            listing.max_per_buyer = max_per_buyer;
            let history = BuyerHistory {
                open_orders,
                tickets,
                unpaid_ends: ends,
            };
            let allowance = limits.allowance(&listing, &history, now);
            assert_eq!(allowance.quantity, quantity, "{history:?}");
            let is_granted = |quantity| limits.check_buyer(&listing, quantity, &history, now).is_ok();
            assert_eq!(is_granted(1), quantity > 0, "{history:?}");
            assert!(quantity == 0 || is_granted(quantity), "{history:?}");
            assert!(quantity == 10 || !is_granted(quantity + 1), "{history:?}");
        }
    }

    #[test]
    fn a_buyer_has_at_most_as_many_unpaid_orders_as_configured() {
        for (open_orders, expected) in [(9, Ok(())), (10, Err(BuyerLimit::OpenOrders(10)))] {
            let history = BuyerHistory {
                open_orders,
                ..BuyerHistory::default()
            };
            assert_eq!(limits().check_buyer(&listing(), 1, &history, noon()), expected);
        }
    }

    #[test]
    fn after_two_unpaid_orders_within_an_hour_a_third_waits_for_the_pause() {
        let now = noon();
        let minutes = |minutes| Duration::from_mins(minutes);
        for (ends, rest) in [
            (vec![], None),
            (vec![now], None),
            (vec![now, now], Some(minutes(30))),
            // An hour, and the fifteen minutes for which the second held its tickets.
            (vec![now - minutes(10), now - minutes(85)], Some(minutes(20))),
            (vec![now - minutes(10), now - minutes(86)], None),
            (vec![now - minutes(30), now - minutes(40)], None),
            // The clock was set back.
            (vec![now + HOUR, now + HOUR], Some(minutes(30))),
        ] {
            let history = BuyerHistory {
                unpaid_ends: ends.clone(),
                ..BuyerHistory::default()
            };
            let expected = rest.map_or(Ok(()), |retry_after| {
                Err(BuyerLimit::UnpaidHolds { orders: 2, retry_after })
            });
            assert_eq!(limits().check_buyer(&listing(), 1, &history, now), expected, "{ends:?}");
        }
    }
}
