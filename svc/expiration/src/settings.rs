use std::time::Duration;

use bus::DelayLadder;
use chassis::seconds;

/// The settings of the expiration service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
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
    /// The search for overdue orders.
    #[command(flatten)]
    pub sweep: SweepSettings,
}

/// The settings of the sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
#[group(skip)]
pub struct SweepSettings {
    /// Seconds between two searches for orders that are overdue because the broker lost their timers (1 to 3600).
    #[arg(
        long = "expiration-sweep-seconds",
        env = "TICKETING_EXPIRATION_SWEEP_SECONDS",
        default_value = "15",
        value_name = "SECONDS",
        value_parser = seconds(1..=3600)
    )]
    pub interval: Duration,
}

impl chassis::Settings for Settings {}

impl Default for Settings {
    fn default() -> Self {
        chassis::default_settings()
    }
}

impl Settings {
    /// Returns the delay levels of the timers. An order of the usual window needs the longest one only.
    pub fn delay_ladder(&self) -> DelayLadder {
        let shorter = [Duration::from_mins(1), Duration::from_secs(10), Duration::from_secs(1)];
        DelayLadder::new(
            Duration::from_millis(200),
            shorter.into_iter().chain([self.order_window]),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(arguments: &[&str]) -> Result<Settings, String> {
        chassis::parse_settings(arguments).map_err(|errors| errors.to_string())
    }

    #[test]
    fn the_order_window_is_between_ten_seconds_and_a_day() {
        let day = Settings {
            order_window: Duration::from_hours(24),
            ..Settings::default()
        };
        assert_eq!(settings(&["--order-window-seconds", "86400"]), Ok(day));
        for bad in ["9", "86401", "soon", "10.5"] {
            let error = settings(&["--order-window-seconds", bad]).unwrap_err();
            assert!(error.contains("--order-window-seconds: "), "{error}");
        }
    }

    #[test]
    fn the_sweep_is_between_a_second_and_an_hour() {
        assert_eq!(settings(&[]), Ok(Settings::default()));
        let hour = Settings {
            sweep: SweepSettings {
                interval: Duration::from_hours(1),
            },
            ..Settings::default()
        };
        assert_eq!(settings(&["--expiration-sweep-seconds", "3600"]), Ok(hour));
        for bad in ["0", "3601", "soon", "1.5"] {
            let error = settings(&["--expiration-sweep-seconds", bad]).unwrap_err();
            assert!(error.contains("--expiration-sweep-seconds: "), "{error}");
        }
    }
}
