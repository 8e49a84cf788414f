//! The command line arguments and settings of the service.

use std::time::Duration;

use chassis::ConfigErrors;

/// The command line arguments.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Seconds to pay an order (10 to 86400), unless its listing has its own window. Use the same value for order and
    /// expiration.
    #[arg(
        long,
        env = "TICKETING_ORDER_WINDOW_SECONDS",
        default_value = "900",
        value_name = "SECONDS"
    )]
    order_window_seconds: String,

    /// Maximum number of tickets in one order (1 to 1000000).
    #[arg(
        long,
        env = "TICKETING_MAX_TICKETS_PER_ORDER",
        default_value = "10",
        value_name = "COUNT"
    )]
    max_tickets_per_order: String,

    /// Seconds to extend the deadline of an order, once, if a payment is in progress when it passes (0 to 3600).
    #[arg(
        long,
        env = "TICKETING_PAYMENT_EXTENSION_SECONDS",
        default_value = "300",
        value_name = "SECONDS"
    )]
    payment_extension_seconds: String,
}

/// The validated settings.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The time to pay an order, unless its listing has its own.
    pub order_window: Duration,
    /// The maximum number of tickets in one order.
    pub max_tickets_per_order: u32,
    /// By how much the deadline of an order is moved, once, if a payment is in progress when it passes.
    pub payment_extension: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            order_window: Duration::from_mins(15),
            max_tickets_per_order: 10,
            payment_extension: Duration::from_mins(5),
        }
    }
}

impl Args {
    pub(crate) fn settings(&self, errors: &mut ConfigErrors) -> Option<Settings> {
        let flag = "--order-window-seconds";
        let order_window = errors
            .parse::<u64>(flag, &self.order_window_seconds)
            .and_then(|seconds| {
                let fits = (10..=86_400).contains(&seconds);
                errors.check(flag, fits.then_some(seconds).ok_or("must be 10 to 86400"))
            });
        let flag = "--max-tickets-per-order";
        let count = errors.parse::<u32>(flag, &self.max_tickets_per_order)?;
        let fits = (1..=1_000_000).contains(&count);
        let max_tickets_per_order = errors.check(flag, fits.then_some(count).ok_or("must be 1 to 1000000"))?;
        let flag = "--payment-extension-seconds";
        let seconds = errors.parse::<u32>(flag, &self.payment_extension_seconds)?;
        let seconds = errors.check(flag, (seconds <= 3600).then_some(seconds).ok_or("must be 0 to 3600"))?;
        Some(Settings {
            order_window: Duration::from_secs(order_window?),
            max_tickets_per_order,
            payment_extension: Duration::from_secs(seconds.into()),
        })
    }
}
