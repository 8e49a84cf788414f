//! The command line of `drill`.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::Clock;

use crate::{
    DrillError,
    checks::{self, AllowedLoss, DatabasePaths, NotificationChecks},
    load::{self, LoadPlan},
    recording::{self, RecordWriter},
    settle,
    statistics::{self, ResponseStats},
    trespass,
};

/// Put a load on a marketplace, record every response, and compare the record with the databases.
#[derive(Debug, Parser)]
#[command(name = "drill", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Buy and sell at a steady rate, until the time is over, on SIGTERM or SIGINT, or when the stop file exists
    Load(LoadArgs),
    /// Start a step in the record
    Step {
        /// The record
        record: PathBuf,
        /// The name of the step
        step: String,
    },
    /// Print statistics of a record: a table of all responses, or one line for a time range
    Report(ReportArgs),
    /// Wait until every order of a record has ended, as reported to its buyer
    Settle(SettleArgs),
    /// Compare the databases of all services with each other, with the record and with Stripe
    Verdict(VerdictArgs),
    /// Try at a broker what each service's user may not do
    Trespass(TrespassArgs),
}

#[derive(Debug, Args)]
struct LoadArgs {
    /// The URL of the front door
    #[arg(long, default_value = "http://127.0.0.1:4080")]
    url: String,
    /// Append every response to this file
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    /// Actions per second
    #[arg(long, default_value = "40")]
    rate: u32,
    /// Stop after this time: `15m`, `90s` [default: until stopped]
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
    /// Stop after this many actions
    #[arg(long, value_name = "COUNT")]
    arrivals: Option<u64>,
    /// Stop when this file exists
    #[arg(long, value_name = "FILE")]
    stop_file: Option<PathBuf>,
    /// Derive passwords from this seed [default: created in FILE.seed, readable by its owner only]
    #[arg(long)]
    seed: Option<String>,
    /// The number of sellers
    #[arg(long, default_value = "5")]
    sellers: u32,
    /// The number of buyers at the start
    #[arg(long, default_value = "40")]
    buyers: u32,
    /// Retry a request this often that got no response, 502, 503 or 504
    #[arg(long, default_value = "1")]
    retries: u32,
    /// The number of concurrent actions; further ones are delayed
    #[arg(long, default_value = "256")]
    at_once: usize,
}

#[derive(Debug, Args)]
struct ReportArgs {
    /// The record
    record: PathBuf,
    /// Count requests from this time on, in milliseconds since 1970, and print one line instead of the table
    #[arg(long, value_name = "MS")]
    since: Option<i64>,
    /// Count requests up to this time
    #[arg(long, value_name = "MS")]
    until: Option<i64>,
    /// Succeed even if requests failed
    #[arg(long)]
    allow_failed: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct SettleArgs {
    /// The URL of the front door
    #[arg(long, default_value = "http://127.0.0.1:4080")]
    url: String,
    /// The record
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    /// Derive passwords from this seed [default: FILE.seed]
    #[arg(long)]
    seed: Option<String>,
    /// Wait at most this long: `60s`
    #[arg(long, default_value = "60s", value_parser = duration)]
    within: Duration,
}

#[derive(Debug, Args)]
struct VerdictArgs {
    /// The folder of the databases: `DIR/order/order.db`, or `DIR/order.db`
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The path of one database: `order=/path/order.db`
    #[arg(long, value_name = "SERVICE=FILE", value_parser = database_path)]
    database: Vec<(String, PathBuf)>,
    /// The record
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    /// The URL of the Stripe simulator, whose payment intents are compared, too
    #[arg(long, value_name = "URL", requires = "stripe_key_file")]
    stripe: Option<String>,
    /// Read the secret key for it from this file
    #[arg(long, value_name = "FILE")]
    stripe_key_file: Option<PathBuf>,
    /// Allow lost responses of this service, because it was restored from a backup; repeatable
    #[arg(long, value_name = "SERVICE")]
    forgive_service: Vec<String>,
    /// Allow lost responses from this time on, in milliseconds since 1970
    #[arg(long, value_name = "MS", requires = "forgive_service")]
    forgive_from: Option<i64>,
    /// Allow lost responses up to this time
    #[arg(long, value_name = "MS", requires = "forgive_service")]
    forgive_until: Option<i64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct TrespassArgs {
    /// The broker: `127.0.0.1:5672`
    #[arg(long, value_name = "HOST:PORT")]
    broker: String,
    /// The folder of the passwords: `DIR/amqp-order`
    #[arg(long, value_name = "DIR")]
    passwords: PathBuf,
    /// The broker's definitions, which have the names of its exchanges and queues
    #[arg(long, value_name = "FILE", default_value = "nomad/rabbitmq/definitions.json")]
    definitions: PathBuf,
}

impl Cli {
    /// Runs the command. Exit code 1: a check failed; 2: the command itself failed.
    pub async fn run(self) -> ExitCode {
        let result = match self.command {
            Command::Load(args) => args.run().await,
            Command::Step { record, step } => {
                RecordWriter::open(&record).and_then(|writer| writer.step(Clock::system().now(), step).map(|()| true))
            }
            Command::Report(args) => args.run(),
            Command::Settle(args) => args.run().await,
            Command::Verdict(args) => args.run().await,
            Command::Trespass(args) => args.run().await,
        };
        match result {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("drill: {error}");
                ExitCode::from(2)
            }
        }
    }
}

impl LoadArgs {
    async fn run(self) -> Result<bool, DrillError> {
        let stop = CancellationToken::new();
        let (mut term, mut int) = (
            signal(SignalKind::terminate()).map_err(DrillError::new)?,
            signal(SignalKind::interrupt()).map_err(DrillError::new)?,
        );
        let stopped = stop.clone();
        TaskTracker::new().spawn(async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            stopped.cancel();
        });
        let plan = LoadPlan {
            endpoints: self.url.into(),
            record: self.record,
            seed: self.seed,
            rate: self.rate,
            duration: self.duration,
            arrivals: self.arrivals,
            stop_file: self.stop_file,
            sellers: self.sellers,
            buyers: self.buyers,
            retries: self.retries,
            max_concurrent: self.at_once,
            order_window_seconds: load::ORDER_WINDOW_SECONDS,
            steady: CancellationToken::new(),
        };
        let summary = load::load(&plan, stop).await?;
        println!("{}", statistics::table(&recording::read(&plan.record)?));
        if summary.delayed > 0 {
            println!("{} of {} actions were delayed", summary.delayed, summary.started);
        }
        Ok(true)
    }
}

impl ReportArgs {
    fn run(self) -> Result<bool, DrillError> {
        let lines = recording::read(&self.record)?;
        let responses = statistics::within(&lines, self.since, self.until);
        let (stats, is_range) = (
            ResponseStats::of(responses.iter().copied()),
            self.since.is_some() || self.until.is_some(),
        );
        match (is_range, self.json) {
            (true, true) => println!("{}", json!(stats)),
            (true, false) => println!("{}", stats.line()),
            (false, true) => println!("{}", statistics::document(&lines)),
            (false, false) => println!("{}", statistics::table(&lines)),
        }
        for failure in statistics::failures(&responses) {
            eprintln!("  {failure}");
        }
        Ok(stats.failed == 0 || self.allow_failed)
    }
}

impl SettleArgs {
    async fn run(self) -> Result<bool, DrillError> {
        let open = settle::settle(&self.url.into(), &self.record, self.seed.as_deref(), self.within).await?;
        if open.is_empty() {
            println!("every order has ended");
        } else {
            println!("not ended within {} s:\n  {}", self.within.as_secs(), open.join("\n  "));
        }
        Ok(open.is_empty())
    }
}

impl VerdictArgs {
    async fn run(self) -> Result<bool, DrillError> {
        let intents = match (self.stripe, self.stripe_key_file) {
            (Some(url), Some(file)) => {
                let key = std::fs::read_to_string(&file).map_err(|error| DrillError::file(&file, &error))?;
                Some(checks::payment_intents(&url, key.trim()).await?)
            }
            _ => None,
        };
        let paths = DatabasePaths {
            data: self.data,
            others: self.database,
        };
        let allowed_loss = AllowedLoss {
            services: self.forgive_service,
            from: self.forgive_from,
            until: self.forgive_until,
        };
        let notification = if allowed_loss.services.is_empty() {
            NotificationChecks::Run
        } else {
            NotificationChecks::LeftOut
        };
        let report = checks::run(
            &paths,
            &recording::read(&self.record)?,
            intents.as_deref(),
            &allowed_loss,
            notification,
        )?;
        if self.json {
            let violations: Vec<_> = report
                .violations
                .iter()
                .map(|violation| json!({"name": violation.name, "rows": violation.rows}))
                .collect();
            let (responses, lost, range) = (report.responses, report.lost, report.lost_range_ms);
            println!(
                "{}",
                json!({"findings": violations, "answers": responses, "lost": lost, "lostOverMs": range})
            );
        } else {
            println!("{}", report.lines().join("\n"));
        }
        Ok(report.is_clean())
    }
}

impl TrespassArgs {
    async fn run(self) -> Result<bool, DrillError> {
        let outcome = trespass::trespass(&self.broker, &self.passwords, &self.definitions).await?;
        let (attempts, permitted) = (outcome.attempts, outcome.permitted.len());
        println!("{attempts} attempts, {permitted} not refused");
        for attempt in &outcome.permitted {
            println!("  {attempt}");
        }
        Ok(outcome.permitted.is_empty())
    }
}

/// Parses `500ms`, `90s`, `15m`, `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: u64 = number
        .parse()
        .map_err(|_| format!("{text} is not a duration such as 90s or 15m"))?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number.saturating_mul(60))),
        "h" => Ok(Duration::from_secs(number.saturating_mul(3600))),
        _ => Err(format!("{text} has no unit: ms, s, m or h")),
    }
}

/// Parses `SERVICE=FILE`.
fn database_path(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((service, path)) if checks::SERVICES.contains(&service) => Ok((service.to_owned(), path.into())),
        _ => Err(format!(
            "expected SERVICE=FILE, with a service of {}",
            checks::SERVICES.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        assert_eq!(duration("15m"), Ok(Duration::from_mins(15)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert!(duration("15").is_err());
        assert!(database_path("order=/a/b.db").is_ok());
        assert!(database_path("orders=/a/b.db").is_err());
    }
}
