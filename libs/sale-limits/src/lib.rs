//! What one buyer can take of a sale, as configured.
//!
//! The order service enforces the limits in the transaction that holds the tickets. The ticket service shows them with a
//! listing.

use std::time::Duration;

use chassis::{in_range, seconds};

/// The limits of one buyer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::Args)]
#[group(skip)]
pub struct SaleLimits {
    /// Maximum number of tickets in one order (1 to 1000000), and of one buyer in all orders of a listing without its own
    /// limit. Use the same value for order and ticket.
    #[arg(
        long,
        env = "TICKETING_MAX_TICKETS_PER_ORDER",
        default_value = "10",
        value_name = "COUNT",
        value_parser = in_range::<u32>(1..=values::MAX_QUANTITY)
    )]
    pub max_tickets_per_order: u32,

    /// Maximum number of unpaid orders of one buyer, over all listings (1 to 1000000). Use the same value for order and
    /// ticket.
    #[arg(
        long,
        env = "TICKETING_MAX_OPEN_ORDERS",
        default_value = "10",
        value_name = "COUNT",
        value_parser = in_range::<u32>(1..=1_000_000)
    )]
    pub max_open_orders: u32,

    /// Number of orders of one buyer and listing that may end unpaid, by expiry or by the buyer's cancellation, before
    /// further ones are refused for a time (1 to 1000). Use the same value for order and ticket.
    #[arg(
        long,
        env = "TICKETING_MAX_UNPAID_HOLDS",
        default_value = "2",
        value_name = "COUNT",
        value_parser = in_range::<u32>(1..=1000)
    )]
    pub max_unpaid_holds: u32,

    /// Seconds within which unpaid orders are counted together (1 to 86400). Use the same value for order and ticket.
    #[arg(
        long = "unpaid-hold-window-seconds",
        env = "TICKETING_UNPAID_HOLD_WINDOW_SECONDS",
        default_value = "3600",
        value_name = "SECONDS",
        value_parser = seconds(1..=86_400)
    )]
    pub unpaid_hold_window: Duration,

    /// Seconds for which further orders are refused after the last of too many unpaid ones (0 to 86400; 0 never refuses).
    /// Use the same value for order and ticket.
    #[arg(
        long = "unpaid-hold-pause-seconds",
        env = "TICKETING_UNPAID_HOLD_PAUSE_SECONDS",
        default_value = "3600",
        value_name = "SECONDS",
        value_parser = seconds(0..=86_400)
    )]
    pub unpaid_hold_pause: Duration,
}

impl SaleLimits {
    /// Limits that no load of a test or a benchmark reaches.
    pub const UNREACHED: Self = Self {
        max_tickets_per_order: values::MAX_QUANTITY,
        max_open_orders: 1_000_000,
        max_unpaid_holds: 1000,
        unpaid_hold_window: Duration::from_secs(1),
        unpaid_hold_pause: Duration::ZERO,
    };

    /// Returns the maximum number of tickets of one buyer, given that of the listing.
    pub fn max_per_buyer(&self, of_listing: Option<u32>) -> u32 {
        of_listing.unwrap_or(self.max_tickets_per_order)
    }
}

impl chassis::Settings for SaleLimits {}

impl Default for SaleLimits {
    fn default() -> Self {
        chassis::default_settings()
    }
}
