use std::time::Duration;

use chassis::ConfigErrors;

/// The order service's own flags.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// How many tickets one order can have at most (1 to 1000000).
    #[arg(
        long,
        env = "TICKETING_MAX_TICKETS_PER_ORDER",
        default_value = "10",
        value_name = "COUNT"
    )]
    max_tickets_per_order: String,

    /// Seconds by which the deadline of an order is moved, once, if a payment is under way when it passes (0 to 3600).
    #[arg(
        long,
        env = "TICKETING_PAYMENT_EXTENSION_SECONDS",
        default_value = "300",
        value_name = "SECONDS"
    )]
    payment_extension_seconds: String,
}

/// The order service's own flags, understood.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many tickets one order can have at most.
    pub max_tickets_per_order: u32,
    /// By how much the deadline of an order is moved, once, if a payment is under way when it passes.
    pub payment_extension: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_tickets_per_order: 10,
            payment_extension: Duration::from_mins(5),
        }
    }
}

impl Args {
    pub(crate) fn settings(&self, errors: &mut ConfigErrors) -> Option<Settings> {
        let flag = "--max-tickets-per-order";
        let count = errors.parse::<u32>(flag, &self.max_tickets_per_order)?;
        let fits = (1..=1_000_000).contains(&count);
        let max_tickets_per_order = errors.check(flag, fits.then_some(count).ok_or("must be 1 to 1000000"))?;
        let flag = "--payment-extension-seconds";
        let seconds = errors.parse::<u32>(flag, &self.payment_extension_seconds)?;
        let seconds = errors.check(flag, (seconds <= 3600).then_some(seconds).ok_or("must be 0 to 3600"))?;
        Some(Settings {
            max_tickets_per_order,
            payment_extension: Duration::from_secs(seconds.into()),
        })
    }
}
