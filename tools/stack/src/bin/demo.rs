//! Sells tickets on a running stack over HTTP and prints each step.

use std::{process::ExitCode, time::Duration};

use clap::Parser;

/// Sell tickets on a running stack over HTTP and print each step. Exits with 1 when a step fails.
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
struct Cli {
    /// Address of the front door.
    #[arg(long, default_value = "http://127.0.0.1:4000", value_name = "URL")]
    url: String,
    /// Seconds to wait for each effect that takes a moment.
    #[arg(long, default_value = "30", value_name = "SECONDS")]
    patience: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Cli { url, patience } = Cli::parse();
    println!("Demo at {url}");
    match stack::demo::run(&url, Duration::from_secs(patience), |line| println!("{line}")).await {
        Ok(()) => {
            println!("\nAll steps passed.");
            ExitCode::SUCCESS
        }
        Err(failed) => {
            eprintln!("\nFAILED\n  {failed}");
            ExitCode::FAILURE
        }
    }
}
