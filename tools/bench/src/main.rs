//! Measures the marketplace, the limits of the machine and a peer in one run, and writes `docs/performance.md`.

use std::process::ExitCode;

use bench::{Cli, main_of};
use clap::Parser;

fn main() -> ExitCode {
    match main_of(&Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
