//! The settings of the service.

use std::time::Duration;

use chassis::seconds;
use sale_limits::SaleLimits;

/// The settings of the order service.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(skip)]
pub struct Settings {
    /// Seconds to pay an order (10 to 86400), unless its listing has its own window. Use the same value for order and
    /// expiration.
    #[arg(
        long = "order-window-seconds",
        env = "TICKETING_ORDER_WINDOW_SECONDS",
        default_value = "900",
        value_name = "SECONDS",
        value_parser = seconds(10..=86_400)
    )]
    pub order_window: Duration,

    /// What one buyer can take.
    #[command(flatten)]
    pub sale: SaleLimits,

    /// Seconds to extend the deadline of an order, once, if a payment is in progress when it passes (0 to 3600).
    #[arg(
        long = "payment-extension-seconds",
        env = "TICKETING_PAYMENT_EXTENSION_SECONDS",
        default_value = "300",
        value_name = "SECONDS",
        value_parser = seconds(0..=3600)
    )]
    pub payment_extension: Duration,
}

impl chassis::Settings for Settings {}

impl Default for Settings {
    fn default() -> Self {
        chassis::default_settings()
    }
}
