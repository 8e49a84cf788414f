//! The command line of `drill`.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::Clock;

use crate::{
    Trouble,
    load::{self, Load},
    record::{self, Recorder},
    report::{self, Tally},
    settle,
    verdict::{self, Forgiven, Places},
};

/// Buyers who write down every answer, and a judge who asks five databases whether it was true.
#[derive(Debug, Parser)]
#[command(name = "drill", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lets people sell and buy at a steady rate, until the time is over, SIGTERM or SIGINT comes, or the stop file is
    /// there
    Load(LoadArgs),
    /// Notes in the record that something else is done from now on
    Step {
        /// The record
        record: PathBuf,
        /// What is done
        step: String,
    },
    /// Counts the answers of a record: a table of all, or one line for a stretch of time
    Report(ReportArgs),
    /// Waits until every order of a record has ended, as its buyer sees it
    Settle(SettleArgs),
    /// Compares the five databases with each other, with the record and with Stripe
    Verdict(VerdictArgs),
}

#[derive(Debug, Args)]
struct LoadArgs {
    /// The front door
    #[arg(long, default_value = "http://127.0.0.1:4080")]
    url: String,
    /// The file that every answer is appended to
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    /// Arrivals in a second
    #[arg(long, default_value = "40")]
    rate: u32,
    /// For how long: `15m`, `90s` [default: until stopped]
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    lasting: Option<Duration>,
    /// How many arrivals at most
    #[arg(long, value_name = "COUNT")]
    arrivals: Option<u64>,
    /// Ends when this file is there
    #[arg(long, value_name = "FILE")]
    stop_file: Option<PathBuf>,
    /// What passwords follow from [default: drawn, and kept in FILE.seed for its owner alone]
    #[arg(long)]
    seed: Option<String>,
    /// People who sell
    #[arg(long, default_value = "5")]
    sellers: u32,
    /// People who buy, to begin with
    #[arg(long, default_value = "40")]
    buyers: u32,
    /// How often a request is tried again that got no answer, 502, 503 or 504
    #[arg(long, default_value = "1")]
    retries: u32,
    /// Arrivals under way at once; others wait
    #[arg(long, default_value = "256")]
    at_once: usize,
}

#[derive(Debug, Args)]
struct ReportArgs {
    /// The record
    record: PathBuf,
    /// What was asked from this moment on, in milliseconds since 1970: one line instead of the table
    #[arg(long, value_name = "MS")]
    since: Option<i64>,
    /// Until this moment
    #[arg(long, value_name = "MS")]
    until: Option<i64>,
    /// Succeeds although there are failed ones
    #[arg(long)]
    allow_failed: bool,
    /// For programs
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct SettleArgs {
    /// The front door
    #[arg(long, default_value = "http://127.0.0.1:4080")]
    url: String,
    /// The record
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    /// What passwords follow from [default: FILE.seed]
    #[arg(long)]
    seed: Option<String>,
    /// How long to wait: `60s`
    #[arg(long, default_value = "60s", value_parser = duration)]
    within: Duration,
}

#[derive(Debug, Args)]
struct VerdictArgs {
    /// The folder of the databases: `DIR/order/order.db`, or `DIR/order.db`
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A database that is elsewhere: `order=/somewhere/order.db`
    #[arg(long, value_name = "SERVICE=FILE", value_parser = place)]
    database: Vec<(String, PathBuf)>,
    /// The record
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    /// Where Stripe's double is, whose own list is compared, too
    #[arg(long, value_name = "URL", requires = "stripe_key_file")]
    stripe: Option<String>,
    /// The file that holds the secret key for it
    #[arg(long, value_name = "FILE")]
    stripe_key_file: Option<PathBuf>,
    /// A service whose answers may be lost, because it was put back from a backup; may be given several times
    #[arg(long, value_name = "SERVICE")]
    forgive_service: Vec<String>,
    /// Answers from this moment on may be lost, in milliseconds since 1970
    #[arg(long, value_name = "MS", requires = "forgive_service")]
    forgive_from: Option<i64>,
    /// Answers until this moment may be lost
    #[arg(long, value_name = "MS", requires = "forgive_service")]
    forgive_until: Option<i64>,
    /// For programs
    #[arg(long)]
    json: bool,
}

impl Cli {
    /// Does what was asked for. Failure: something was found, or could not be looked at.
    pub async fn run(self) -> ExitCode {
        let done = match self.command {
            Command::Load(args) => args.run().await,
            Command::Step { record, step } => {
                Recorder::open(&record).and_then(|recorder| recorder.step(Clock::system().now(), step).map(|()| true))
            }
            Command::Report(args) => args.run(),
            Command::Settle(args) => args.run().await,
            Command::Verdict(args) => args.run().await,
        };
        match done {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(trouble) => {
                eprintln!("drill: {trouble}");
                ExitCode::from(2)
            }
        }
    }
}

impl LoadArgs {
    async fn run(self) -> Result<bool, Trouble> {
        let stop = CancellationToken::new();
        let (mut term, mut int) = (
            signal(SignalKind::terminate()).map_err(Trouble::new)?,
            signal(SignalKind::interrupt()).map_err(Trouble::new)?,
        );
        let stopped = stop.clone();
        TaskTracker::new().spawn(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            stopped.cancel();
        });
        let plan = Load {
            url: self.url,
            record: self.record,
            seed: self.seed,
            rate: self.rate,
            lasting: self.lasting,
            arrivals: self.arrivals,
            stop_file: self.stop_file,
            sellers: self.sellers,
            buyers: self.buyers,
            retries: self.retries,
            at_once: self.at_once,
        };
        let loaded = load::load(&plan, stop).await?;
        println!("{}", report::table(&record::read(&plan.record)?));
        if loaded.held_back > 0 {
            println!("{} of {} arrivals had to wait", loaded.held_back, loaded.arrived);
        }
        Ok(true)
    }
}

impl ReportArgs {
    fn run(self) -> Result<bool, Trouble> {
        let lines = record::read(&self.record)?;
        let answers = report::within(&lines, self.since, self.until);
        let (tally, step) = (
            Tally::of(answers.iter().copied()),
            self.since.is_some() || self.until.is_some(),
        );
        match (step, self.json) {
            (true, true) => println!("{}", json!(tally)),
            (true, false) => println!("{}", tally.line()),
            (false, true) => println!("{}", report::document(&lines)),
            (false, false) => println!("{}", report::table(&lines)),
        }
        for failure in report::failures(&answers) {
            eprintln!("  {failure}");
        }
        Ok(tally.failed == 0 || self.allow_failed)
    }
}

impl SettleArgs {
    async fn run(self) -> Result<bool, Trouble> {
        let open = settle::settle(&self.url, &self.record, self.seed.as_deref(), self.within).await?;
        if open.is_empty() {
            println!("every order has ended");
        } else {
            println!("not ended within {} s:\n  {}", self.within.as_secs(), open.join("\n  "));
        }
        Ok(open.is_empty())
    }
}

impl VerdictArgs {
    async fn run(self) -> Result<bool, Trouble> {
        let intents = match (self.stripe, self.stripe_key_file) {
            (Some(url), Some(file)) => {
                let key = std::fs::read_to_string(&file).map_err(|error| Trouble::file(&file, &error))?;
                Some(verdict::intents(&url, key.trim()).await?)
            }
            _ => None,
        };
        let places = Places {
            data: self.data,
            others: self.database,
        };
        let forgiven = Forgiven {
            services: self.forgive_service,
            from: self.forgive_from,
            until: self.forgive_until,
        };
        let verdict = verdict::judge(&places, &record::read(&self.record)?, intents.as_deref(), &forgiven)?;
        if self.json {
            let findings: Vec<_> = verdict
                .findings
                .iter()
                .map(|finding| json!({"name": finding.name, "rows": finding.rows}))
                .collect();
            let (answers, lost, over) = (verdict.answers, verdict.lost, verdict.lost_over);
            println!(
                "{}",
                json!({"findings": findings, "answers": answers, "lost": lost, "lostOverMs": over})
            );
        } else {
            println!("{}", verdict.lines().join("\n"));
        }
        Ok(verdict.is_clean())
    }
}

/// `500ms`, `90s`, `15m`, `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let number: u64 = number
        .parse()
        .map_err(|_| format!("{text} is no duration: 90s or 15m"))?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        "h" => Ok(Duration::from_secs(number.saturating_mul(3600))),
        _ => Err(format!("{text} has no unit: ms, s, m or h")),
    }
}

fn place(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((service, path)) if verdict::SERVICES.contains(&service) => Ok((service.to_owned(), path.into())),
        _ => Err(format!(
            "SERVICE=FILE, with a service of {}",
            verdict::SERVICES.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
        assert_eq!(duration("15m"), Ok(Duration::from_mins(15)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert!(duration("15").is_err());
        assert!(place("order=/a/b.db").is_ok());
        assert!(place("orders=/a/b.db").is_err());
    }
}
