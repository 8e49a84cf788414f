//! One round: a load, the faults of its plan, and the comparison after all of them.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use drill::{
    Operation,
    load::{LoadPlan, LoadSummary, load},
    recording,
    settle::settle,
};
use tokio::time::{Instant, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{
    broker::Broker,
    error::TortureError,
    fault::{Disturbance, Fault},
    judge::{Comparison, Judge, without_journal},
    marketplace::Marketplace,
    plan::{Step, plan},
};

/// The interval of the comparisons.
const COMPARISON_INTERVAL: Duration = Duration::from_secs(1);

/// The settings of every round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RoundSettings {
    /// The time with faults.
    pub(crate) length: Duration,
    /// Actions per second.
    pub(crate) rate: u32,
    /// The deliberate bug.
    pub(crate) bug: Option<&'static str>,
    /// The time that orders have to end after the faults, and then the time that databases, broker and Stripe have to agree.
    pub(crate) recovery_timeout: Duration,
    /// Print each step when it begins.
    pub(crate) is_verbose: bool,
}

/// The numbers of a round, or of several.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Totals {
    pub(crate) rounds: usize,
    pub(crate) kills: usize,
    pub(crate) pauses: usize,
    pub(crate) broker_deaths: usize,
    pub(crate) broker_pauses: usize,
    pub(crate) cuts: usize,
    pub(crate) slow_links: usize,
    pub(crate) full_disks: usize,
    pub(crate) purges: usize,
    pub(crate) actions: u64,
    pub(crate) responses: usize,
    pub(crate) orders: usize,
    pub(crate) payments: usize,
    pub(crate) intents: usize,
    pub(crate) used_tickets: usize,
    pub(crate) mails: usize,
}

/// The result of a round.
pub(crate) struct RoundReport {
    pub(crate) violations: Vec<String>,
    pub(crate) totals: Totals,
    /// The time from the last fault to the agreement of all parts.
    pub(crate) recovery: Duration,
}

/// Runs a round with its files in `folder`. On violations the databases are kept there, too.
pub(crate) async fn run(
    folder: &Path,
    seed: u64,
    broker: &Broker,
    settings: RoundSettings,
) -> Result<RoundReport, TortureError> {
    let (namespace, event_batches) = (format!("torture-{seed}"), seed % 2 == 1);
    let marketplace = Marketplace::start(folder, namespace, broker, event_batches, settings.bug).await?;
    let record = folder.join("record.jsonl");
    let report = tokio::select! {
        report = run_in(&marketplace, &record, seed, broker, settings) => report?,
        stopped = marketplace.supervise() => return Err(stopped.err().unwrap_or_else(|| TortureError::new("no supervision"))),
    };
    let kept = (!report.violations.is_empty()).then(|| folder.join("databases"));
    marketplace.end(kept).await?;
    Ok(report)
}

async fn run_in(
    marketplace: &Marketplace<'_>,
    record: &Path,
    seed: u64,
    broker: &Broker,
    settings: RoundSettings,
) -> Result<RoundReport, TortureError> {
    let (steady, stop) = (CancellationToken::new(), CancellationToken::new());
    let load_plan = load_plan(marketplace, record.to_owned(), settings.rate, steady.clone());
    let loading = load(&load_plan, stop.clone());
    let faults = async {
        steady.cancelled().await;
        let steps = plan(seed, settings.length);
        let injected = inject(marketplace, &steps, settings.is_verbose).await;
        let ended = Instant::now();
        let sells = match injected {
            Ok(()) => sells_again(record, ended + settings.recovery_timeout).await,
            Err(error) => Err(error),
        };
        stop.cancel();
        sells.map(|sells| (steps, ended, sells))
    };
    let (summary, (steps, ended, sells)) =
        tokio::try_join!(async { loading.await.map_err(TortureError::new) }, faults)?;

    let mut violations = Vec::new();
    if !sells {
        violations.push("no payment was accepted after the faults".to_owned());
    }
    let endpoints = marketplace.endpoints();
    let open = settle(&endpoints, record, None, settings.recovery_timeout)
        .await
        .map_err(TortureError::new)?;
    violations.extend(open.into_iter().map(|order| format!("not ended: {order}")));
    let timeout = settings.recovery_timeout;
    let queues = retry(timeout, async || broker.queue_names(&marketplace.namespace).await).await?;
    let judge = Judge {
        marketplace,
        broker,
        record,
        queues: without_journal(queues),
    };
    wait_for_agreement(&judge, timeout).await?;
    let recovery = ended.elapsed();
    // Again without the services: what they had not acknowledged is in the queues now.
    violations.extend(marketplace.stop_services().await);
    let Comparison { findings, report } = retry(timeout, async || judge.compare().await).await?;
    violations.extend(findings);
    violations.extend(tokio::task::block_in_place(|| marketplace.check_databases())?);
    if violations.is_empty() {
        retry(timeout, async || broker.delete(&judge.queues).await).await?;
    }
    Ok(RoundReport {
        totals: totals(&steps, marketplace.has_own_disk(), summary, &report),
        violations,
        recovery,
    })
}

fn load_plan(marketplace: &Marketplace<'_>, record: PathBuf, rate: u32, steady: CancellationToken) -> LoadPlan {
    LoadPlan {
        endpoints: marketplace.endpoints(),
        record,
        seed: None,
        rate,
        duration: None,
        arrivals: None,
        stop_file: None,
        sellers: 2,
        buyers: 6,
        retries: 3,
        max_concurrent: 128,
        order_window_seconds: 10..=12,
        steady,
    }
}

/// Injects each fault at its time, and returns when all have ended.
async fn inject(marketplace: &Marketplace<'_>, steps: &[Step], is_verbose: bool) -> Result<(), TortureError> {
    let began = Instant::now();
    let faults = steps.iter().map(|step| async move {
        sleep_until(began + step.at).await;
        if is_verbose {
            println!("  {step}");
        }
        marketplace.inject(step.fault).await
    });
    futures_util::future::try_join_all(faults).await.map(|_| ())
}

/// Waits until a payment is accepted, with all services by themselves. Returns `false` if the deadline passes before.
async fn sells_again(record: &Path, deadline: Instant) -> Result<bool, TortureError> {
    let is_payment = |response: &recording::RecordedResponse| {
        response.operation == Operation::PayOrder && response.status == Some(201)
    };
    let count = || {
        let lines = tokio::task::block_in_place(|| recording::read(record)).map_err(TortureError::new)?;
        Ok(recording::responses(&lines)
            .filter(|response| is_payment(response))
            .count())
    };
    let (before, mut ticks) = (count()?, interval(COMPARISON_INTERVAL));
    loop {
        ticks.tick().await;
        if count()? > before {
            return Ok(true);
        }
        if Instant::now() > deadline {
            return Ok(false);
        }
    }
}

/// Repeats an operation until it succeeds, or until the time is over: a busy broker may not answer in time.
async fn retry<T>(within: Duration, operation: impl AsyncFn() -> Result<T, TortureError>) -> Result<T, TortureError> {
    let (deadline, mut ticks) = (Instant::now() + within, interval(COMPARISON_INTERVAL));
    loop {
        ticks.tick().await;
        match operation().await {
            Err(_) if Instant::now() <= deadline => {}
            result => return result,
        }
    }
}

/// Waits until nothing differs, or until the time is over.
async fn wait_for_agreement(judge: &Judge<'_>, within: Duration) -> Result<(), TortureError> {
    let (deadline, mut ticks) = (Instant::now() + within, interval(COMPARISON_INTERVAL));
    loop {
        ticks.tick().await;
        match judge.compare().await {
            Ok(comparison) if comparison.findings.is_empty() => return Ok(()),
            // What cannot be compared does not agree yet.
            result if Instant::now() > deadline => return result.map(|_| ()),
            _ => {}
        }
    }
}

fn totals(steps: &[Step], has_disk: bool, load: LoadSummary, report: &drill::checks::CheckReport) -> Totals {
    let count = |is_counted: fn(&Fault) -> bool| steps.iter().filter(|step| is_counted(&step.fault)).count();
    let [orders, payments, intents, used_tickets, mails] = report.counts;
    let full_disks = count(|fault| matches!(fault, Fault::FillDisk { .. }));
    Totals {
        rounds: 1,
        kills: count(|fault| matches!(fault, Fault::KillService { .. })),
        pauses: count(|fault| matches!(fault, Fault::PauseService { .. })),
        broker_deaths: count(|fault| matches!(fault, Fault::KillBroker { .. })),
        broker_pauses: count(|fault| matches!(fault, Fault::PauseBroker { .. })),
        cuts: count(|fault| {
            matches!(
                fault,
                Fault::Disturb {
                    disturbance: Disturbance::Cut,
                    ..
                }
            )
        }),
        slow_links: count(|fault| {
            matches!(
                fault,
                Fault::Disturb {
                    disturbance: Disturbance::Slow(_) | Disturbance::Stall,
                    ..
                }
            )
        }),
        full_disks: if has_disk { full_disks } else { 0 },
        purges: count(|fault| matches!(fault, Fault::PurgeTimers)),
        actions: load.started,
        responses: report.responses,
        orders,
        payments,
        intents,
        used_tickets,
        mails,
    }
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.rounds += other.rounds;
        self.kills += other.kills;
        self.pauses += other.pauses;
        self.broker_deaths += other.broker_deaths;
        self.broker_pauses += other.broker_pauses;
        self.cuts += other.cuts;
        self.slow_links += other.slow_links;
        self.full_disks += other.full_disks;
        self.purges += other.purges;
        self.actions += other.actions;
        self.responses += other.responses;
        self.orders += other.orders;
        self.payments += other.payments;
        self.intents += other.intents;
        self.used_tickets += other.used_tickets;
        self.mails += other.mails;
    }
}

impl std::fmt::Display for Totals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} kills, {} pauses, {} broker deaths, {} broker pauses, {} cuts, {} slow or stalled links, {} full disks, \
             {} purges; {} actions, {} responses, {} orders, {} payments, {} payment intents, {} used tickets, {} mails",
            self.kills,
            self.pauses,
            self.broker_deaths,
            self.broker_pauses,
            self.cuts,
            self.slow_links,
            self.full_disks,
            self.purges,
            self.actions,
            self.responses,
            self.orders,
            self.payments,
            self.intents,
            self.used_tickets,
            self.mails
        )
    }
}
