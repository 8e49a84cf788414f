use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Measure the marketplace, the limits of this machine and a peer, and write docs/performance.md.
///
/// The programs `stack` and `bench` have to be built (`just bench` does), and a broker has to run. The load goes to this
/// machine only.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Cli {
    /// What to do instead of measuring.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Measure in a few minutes, with short rounds: for development. The page is not written.
    #[arg(long, conflicts_with = "large")]
    pub quick: bool,
    /// Also measure the cost with ten million rows, and builds.
    #[arg(long)]
    pub large: bool,
    /// Measure these works only; the page is not written.
    #[arg(long, value_name = "WORK", value_enum, value_delimiter = ',')]
    pub only: Vec<Work>,
    /// Compare with an earlier run, and fail if a figure is worse than noise explains.
    #[arg(long, value_name = "OLD.json")]
    pub compare: Option<PathBuf>,
    /// The results to compare, instead of measuring.
    #[arg(long, value_name = "NEW.json", requires = "compare")]
    pub with: Option<PathBuf>,
    /// Write the results to this file.
    #[arg(long, value_name = "FILE", default_value = "target/bench/results.json")]
    pub json: PathBuf,
    /// The page to write.
    #[arg(long, value_name = "FILE", default_value = "docs/performance.md")]
    pub page: PathBuf,
    /// The folder for databases while measuring: on the disk that is to be measured.
    #[arg(long, value_name = "FOLDER", default_value = "target/bench")]
    pub folder: PathBuf,
    /// The broker's address.
    #[arg(
        long,
        env = "AMQP_URL",
        default_value = "amqp://guest:guest@127.0.0.1:5672/%2f",
        value_name = "URL",
        hide_env_values = true
    )]
    pub broker: String,
}

/// What the program does instead of measuring.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Serve files with nothing but the web framework.
    #[command(hide = true)]
    BareServer {
        /// The bodies of /0, /1 …
        bodies: Vec<PathBuf>,
    },
    /// Write the page from the results of an earlier run.
    Page {
        /// The results.
        results: PathBuf,
    },
}

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    /// In a few minutes.
    Quick,
    /// In about a quarter of an hour.
    Default,
    /// With ten million rows, and builds.
    Large,
}

impl Size {
    /// Returns its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Default => "default",
            Self::Large => "large",
        }
    }
}

impl Cli {
    /// Returns how much is measured.
    pub const fn size(&self) -> Size {
        match (self.quick, self.large) {
            (true, _) => Size::Quick,
            (_, true) => Size::Large,
            _ => Size::Default,
        }
    }

    /// Returns whether a work is measured.
    pub fn measures(&self, work: Work) -> bool {
        let by_default = work != Work::Builds || self.large;
        (self.only.is_empty() && by_default) || self.only.contains(&work)
    }
}

/// A group of measurements.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Work {
    /// Pages, single tickets, and search.
    Reads,
    /// New listings.
    Listings,
    /// Orders.
    Orders,
    /// Readers and buyers at the same time.
    Mixed,
    /// 400 buyers at once for 100 tickets.
    AtOnce,
    /// Many buyers at a fixed rate until a listing is sold out.
    OnSale,
    /// From the order to the captured payment.
    Purchases,
    /// Sign-ins, argon2id, and tokens.
    SignIn,
    /// From the outbox of one service to rows of another, and the broker alone.
    Events,
    /// Many orders that expire in the same second, beside many that are pending.
    Expirations,
    /// Latencies by load.
    Load,
    /// Costs by the number of rows.
    Size,
    /// Instructions per request.
    Instructions,
    /// A release build from nothing, and builds of tests after a change. Measured with `--large`, or if it is named.
    Builds,
}
