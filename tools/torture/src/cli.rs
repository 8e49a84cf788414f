use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};

/// Kill, pause, cut off and starve six services and their broker under load, and check what they stored.
///
/// `just torture` builds the services and runs it.
#[derive(Clone, Debug, Parser)]
#[command(name = "torture", version)]
pub(crate) struct Cli {
    /// The number of rounds
    #[arg(long, default_value = "10", value_name = "COUNT")]
    pub(crate) rounds: u64,
    /// The seed of the first round; each further one has the next number [default: random]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// The seconds with faults in each round
    #[arg(long, default_value = "20", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(5..=600))]
    pub(crate) seconds: u64,
    /// Actions of buyers and sellers per second
    #[arg(long, default_value = "30", value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rate: u32,
    /// Switch on a deliberate bug, and succeed if it is detected: for services built with the feature bus/torture-bugs
    #[arg(long, value_name = "NAME", value_enum)]
    pub(crate) bug: Option<Bug>,
    /// Print the plan of each round, and run nothing
    #[arg(long)]
    pub(crate) plan: bool,
    /// Print each fault when it begins
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// The folder for databases, records and logs; failed rounds stay there [default: a new folder of temporary files]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

/// A deliberate bug of `libs/bus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Bug {
    /// Messages are acknowledged before they are applied
    AckBeforeCommit,
    /// Events are published before their transaction is committed
    PublishBeforeCommit,
    /// One of several messages that are published together is lost
    DropOneMessage,
}

impl Bug {
    /// Returns the name in the environment of the services.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AckBeforeCommit => "ack-before-commit",
            Self::PublishBeforeCommit => "publish-before-commit",
            Self::DropOneMessage => "drop-one-message",
        }
    }
}

impl Cli {
    pub(crate) const fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}
