//! `torture`: rounds of faults under load, each followed by a comparison of everything that was stored. See the README.

mod broker;
mod cli;
mod disk;
mod error;
mod fault;
mod judge;
mod marketplace;
mod plan;
mod process;
mod round;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    broker::Broker,
    cli::Cli,
    error::TortureError,
    plan::plan,
    round::{RoundReport, RoundSettings, Totals},
};

/// The number of violations that are printed for a round.
const PRINTED_VIOLATIONS: usize = 20;

/// The time to recover. A failed message is retried after five minutes at the latest.
const RECOVERY_TIMEOUT: Duration = Duration::from_mins(6);

/// The same with a deliberate bug: a difference that stays for longer is the bug's.
const RECOVERY_TIMEOUT_WITH_BUG: Duration = Duration::from_secs(40);

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let torture = async {
        tokio::select! {
            result = run(&cli) => result,
            // All processes end with their values.
            stopped = interrupted() => Err(stopped),
        }
    };
    match torture.await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("torture: {error}");
            ExitCode::from(2)
        }
    }
}

/// Returns when the process is asked to end.
async fn interrupted() -> TortureError {
    let (Ok(mut int), Ok(mut term)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else {
        return TortureError::new("signals cannot be received");
    };
    tokio::select! {
        _ = int.recv() => {}
        _ = term.recv() => {}
    }
    TortureError::new("interrupted")
}

/// Runs all rounds. Returns whether they did what is expected: no violation, or one with a deliberate bug.
async fn run(cli: &Cli) -> Result<bool, TortureError> {
    let first = match cli.seed {
        Some(seed) => seed,
        // Short enough to be typed.
        None => getrandom::u64().map_err(TortureError::new)? % 1_000_000_000,
    };
    let seeds = (0..cli.rounds).map(|round| first.wrapping_add(round));
    if cli.plan {
        for seed in seeds {
            println!("seed {seed}");
            for step in plan(seed, cli.length()) {
                println!("{step}");
            }
        }
        return Ok(true);
    }
    let folder = match &cli.folder {
        Some(folder) => folder.clone(),
        None => tempfile::Builder::new()
            .prefix("ticketing-torture-")
            .tempdir()
            .map_err(TortureError::new)?
            .keep(),
    };
    fs::create_dir_all(&folder).map_err(|error| TortureError::file(&folder, &error))?;
    let mut broker = Broker::start(&folder).await?;
    let outcome = run_rounds(cli, seeds, &folder, &broker).await;
    let is_clean = matches!(outcome, Ok((_, 0)));
    if !is_clean {
        broker.keep();
    }
    drop(broker);
    if is_clean && cli.folder.is_none() {
        let _ = fs::remove_dir_all(&folder);
    }
    let (totals, failed) = outcome?;
    println!("{} rounds, {failed} with violations: {totals}", totals.rounds);
    match cli.bug {
        None => Ok(failed == 0),
        Some(bug) if failed == 0 => {
            println!("the bug {} was not detected: is it built in?", bug.name());
            Ok(false)
        }
        Some(bug) => {
            println!("the bug {} was detected in round {}", bug.name(), totals.rounds);
            Ok(true)
        }
    }
}

/// Runs rounds, until the first violation if there is a deliberate bug. Returns their numbers, and how many failed.
async fn run_rounds(
    cli: &Cli,
    seeds: impl Iterator<Item = u64>,
    folder: &Path,
    broker: &Broker,
) -> Result<(Totals, usize), TortureError> {
    let settings = RoundSettings {
        length: cli.length(),
        rate: cli.rate,
        bug: cli.bug.map(cli::Bug::name),
        recovery_timeout: cli.bug.map_or(RECOVERY_TIMEOUT, |_| RECOVERY_TIMEOUT_WITH_BUG),
        is_verbose: cli.verbose,
    };
    let (mut totals, mut failed) = (Totals::default(), 0);
    for seed in seeds {
        let (own, began) = (folder.join(format!("round-{seed}")), Instant::now());
        if cli.verbose {
            println!("seed {seed}");
        }
        let report = round::run(&own, seed, broker, settings).await;
        let report =
            report.inspect_err(|_| println!("seed {seed}: the round could not be finished, see {}", own.display()))?;
        print_round(seed, &own, &report, began.elapsed());
        totals += report.totals;
        if report.violations.is_empty() {
            fs::remove_dir_all(&own).map_err(|error| TortureError::file(&own, &error))?;
        } else {
            failed += 1;
            write_violations(&own, &report)?;
            if cli.bug.is_some() {
                break;
            }
        }
    }
    Ok((totals, failed))
}

fn print_round(seed: u64, folder: &Path, report: &RoundReport, took: Duration) {
    let result = if report.violations.is_empty() { "ok" } else { "VIOLATED" };
    println!(
        "seed {seed}: {result} after {} s, {} s after the last fault: {}",
        took.as_secs(),
        report.recovery.as_secs(),
        report.totals
    );
    for violation in report.violations.iter().take(PRINTED_VIOLATIONS) {
        println!("  {violation}");
    }
    match report.violations.len() {
        0 => {}
        count => println!("  {count} violations; databases, record and logs: {}", folder.display()),
    }
}

fn write_violations(folder: &Path, report: &RoundReport) -> Result<(), TortureError> {
    let file: PathBuf = folder.join("violations.txt");
    let text = report.violations.join("\n") + "\n";
    fs::write(&file, text).map_err(|error| TortureError::file(&file, &error))
}
