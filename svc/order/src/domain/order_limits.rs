use std::time::Duration;

use sale_limits::SaleLimits;

/// The limits of the marketplace for orders, as configured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderLimits {
    /// What one buyer can take.
    pub(crate) sale: SaleLimits,
    /// The time to pay an order, unless its listing has its own.
    pub(crate) default_window: Duration,
}

/// The number of tickets is outside of the limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a whole number from 1 to {0}")]
pub(crate) struct QuantityOutOfRange(u32);

impl OrderLimits {
    /// Checks the number of tickets of one order.
    pub(crate) fn check_quantity(&self, quantity: u32) -> Result<(), QuantityOutOfRange> {
        if (1..=self.sale.max_tickets_per_order).contains(&quantity) {
            Ok(())
        } else {
            Err(QuantityOutOfRange(self.sale.max_tickets_per_order))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_at_least_one_ticket_and_at_most_as_many_as_configured() {
        let limits = OrderLimits {
            sale: SaleLimits::default(),
            default_window: Duration::from_mins(15),
        };
        for (quantity, expected) in [
            (0, Err(QuantityOutOfRange(10))),
            (1, Ok(())),
            (10, Ok(())),
            (11, Err(QuantityOutOfRange(10))),
        ] {
            assert_eq!(limits.check_quantity(quantity), expected, "{quantity}");
        }
    }
}
