//! `drill load`, `report`, `settle`, `verdict`, `trespass`: see the README.

use std::process::ExitCode;

use clap::Parser;
use drill::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    Cli::parse().run().await
}
