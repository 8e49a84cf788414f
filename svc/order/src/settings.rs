//! The settings of the service.

use std::time::Duration;

use chassis::{parsed, seconds};
use clap::ArgAction;
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

    /// Whether sellers and buyers must have confirmed their email address: true or false. Use the same value for order and
    /// ticket [default: true; in `stack dev` false].
    #[arg(
        long,
        env = "TICKETING_REQUIRE_CONFIRMED_ADDRESS",
        value_name = "BOOL",
        action = ArgAction::Set,
        value_parser = parsed::<bool>
    )]
    pub require_confirmed_address: Option<bool>,
}

impl Settings {
    /// Whether users must have confirmed their email address.
    pub(crate) fn requires_confirmed_address(&self) -> bool {
        self.require_confirmed_address.unwrap_or(true)
    }
}

impl chassis::Settings for Settings {}

impl Default for Settings {
    fn default() -> Self {
        chassis::default_settings()
    }
}
