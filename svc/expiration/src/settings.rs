use std::time::Duration;

use chassis::ConfigErrors;

/// The flags of the expiration service, as they were written.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Args {
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
    /// The time between two looks for overdue orders: whole seconds.
    pub sweep_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sweep_interval: Duration::from_secs(15),
        }
    }
}

impl Args {
    pub(crate) fn settings(&self, errors: &mut ConfigErrors) -> Option<Settings> {
        const FLAG: &str = "--expiration-sweep-seconds";
        let seconds = errors.parse::<u64>(FLAG, &self.expiration_sweep_seconds)?;
        let fits = (1..=3600).contains(&seconds);
        let seconds = errors.check(FLAG, fits.then_some(seconds).ok_or("must be 1 to 3600"))?;
        Some(Settings {
            sweep_interval: Duration::from_secs(seconds),
        })
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
    fn the_sweep_is_between_a_second_and_an_hour() {
        assert_eq!(settings(&[]), Ok(Settings::default()));
        let hour = Settings {
            sweep_interval: Duration::from_hours(1),
        };
        assert_eq!(settings(&["--expiration-sweep-seconds", "3600"]), Ok(hour));
        for bad in ["0", "3601", "soon", "1.5"] {
            let told = settings(&["--expiration-sweep-seconds", bad]).unwrap_err();
            assert!(told.contains("--expiration-sweep-seconds: "), "{told}");
        }
    }
}
