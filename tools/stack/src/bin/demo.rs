//! Sells tickets to a running stack over HTTP, and says what happened.

use std::{process::ExitCode, time::Duration};

use clap::Parser;

/// Sells tickets to a running stack over HTTP, and says what happened. Fails loudly when a step is not as told.
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
struct Cli {
    /// Where the front door is.
    #[arg(long, default_value = "http://127.0.0.1:4000", value_name = "URL")]
    url: String,
    /// Seconds that whatever takes its time is waited for.
    #[arg(long, default_value = "30", value_name = "SECONDS")]
    patience: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Cli { url, patience } = Cli::parse();
    println!("A day at {url}");
    match stack::demo::run(&url, Duration::from_secs(patience), |line| println!("{line}")).await {
        Ok(()) => {
            println!("\nAll as told.");
            ExitCode::SUCCESS
        }
        Err(failed) => {
            eprintln!("\nNOT AS TOLD\n  {failed}");
            ExitCode::FAILURE
        }
    }
}
