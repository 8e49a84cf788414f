use chassis::Mistakes;

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
}

/// The order service's own flags, understood.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How many tickets one order can have at most.
    pub max_tickets_per_order: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_tickets_per_order: 10,
        }
    }
}

impl Args {
    pub(crate) fn settings(&self, mistakes: &mut Mistakes) -> Option<Settings> {
        let flag = "--max-tickets-per-order";
        let count = mistakes.parse::<u32>(flag, &self.max_tickets_per_order)?;
        let fits = (1..=1_000_000).contains(&count);
        let max_tickets_per_order = mistakes.check(flag, fits.then_some(count).ok_or("must be 1 to 1000000"))?;
        Some(Settings { max_tickets_per_order })
    }
}
