use std::time::Duration;

use bus::DelayLadder;
use chassis::ConfigErrors;

/// The flags of the expiration service, as they were written.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Seconds within which an order is to be paid (10 to 86400), unless its listing says otherwise. The same for
    /// order and expiration.
    #[arg(
        long,
        env = "TICKETING_ORDER_WINDOW_SECONDS",
        default_value = "900",
        value_name = "SECONDS"
    )]
    order_window_seconds: String,
    #[command(flatten)]
    sweep: SweepArgs,
}

/// The flag of the sweep.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct SweepArgs {
    /// Seconds between two looks for orders that are overdue because the broker has forgotten their timers (1 to 3600).
    #[arg(
        long,
        env = "TICKETING_EXPIRATION_SWEEP_SECONDS",
        default_value = "15",
        value_name = "SECONDS"
    )]
    expiration_sweep_seconds: String,
}

/// The flags of the expiration service, understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Within which time an order is to be paid, unless its listing says otherwise: the longest delay level.
    pub order_window: Duration,
    /// The time between two looks for overdue orders: whole seconds.
    pub sweep_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            order_window: Duration::from_mins(15),
            sweep_interval: Duration::from_secs(15),
        }
    }
}

impl Args {
    pub(crate) fn settings(&self, errors: &mut ConfigErrors) -> Option<Settings> {
        const FLAG: &str = "--order-window-seconds";
        let seconds = errors
            .parse::<u64>(FLAG, &self.order_window_seconds)
            .and_then(|seconds| {
                let fits = (10..=86_400).contains(&seconds);
                errors.check(FLAG, fits.then_some(seconds).ok_or("must be 10 to 86400"))
            });
        let sweep_interval = self.sweep.interval(errors);
        Some(Settings {
            order_window: Duration::from_secs(seconds?),
            sweep_interval: sweep_interval?,
        })
    }
}

impl SweepArgs {
    /// Returns the time between two sweeps.
    pub fn interval(&self, errors: &mut ConfigErrors) -> Option<Duration> {
        const FLAG: &str = "--expiration-sweep-seconds";
        let seconds = errors.parse::<u64>(FLAG, &self.expiration_sweep_seconds)?;
        let fits = (1..=3600).contains(&seconds);
        let seconds = errors.check(FLAG, fits.then_some(seconds).ok_or("must be 1 to 3600"))?;
        Some(Duration::from_secs(seconds))
    }
}

impl Settings {
    /// Returns the delay levels of the timers. An order of the usual window needs the longest one only.
    pub fn delay_ladder(&self) -> DelayLadder {
        let shorter = [Duration::from_mins(1), Duration::from_secs(10)];
        DelayLadder::new(Duration::from_secs(1), shorter.into_iter().chain([self.order_window]))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        own: Args,
    }

    fn settings(line: &[&str]) -> Result<Settings, String> {
        let own = Line::parse_from([&["ticketing-expiration"], line].concat()).own;
        let mut errors = ConfigErrors::default();
        own.settings(&mut errors).ok_or_else(|| errors.to_string())
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
            sweep_interval: Duration::from_hours(1),
            ..Settings::default()
        };
        assert_eq!(settings(&["--expiration-sweep-seconds", "3600"]), Ok(hour));
        for bad in ["0", "3601", "soon", "1.5"] {
            let told = settings(&["--expiration-sweep-seconds", bad]).unwrap_err();
            assert!(told.contains("--expiration-sweep-seconds: "), "{told}");
        }
    }
}
