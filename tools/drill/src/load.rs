//! A steady load: actions start at a fixed rate, independent of the duration of their requests.

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use values::Clock;

pub use crate::workload::ORDER_WINDOW_SECONDS;
use crate::{
    DrillError, Endpoints, accounts::AccountSeed, client::HttpClient, recording::RecordWriter, workload::Workload,
};

/// The time that open requests have at the end of the load.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(90);
/// The interval of session refreshes, well below the 15 minutes for which an access token is valid.
const SESSION_REFRESH_INTERVAL: Duration = Duration::from_mins(5);
/// The interval at which the stop file is looked for.
const STOP_FILE_INTERVAL: Duration = Duration::from_millis(250);

/// The parameters of a load.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// Where the services are reached.
    pub endpoints: Endpoints,
    /// The file that responses are appended to.
    pub record: PathBuf,
    /// The seed of passwords; by default it is created next to the record.
    pub seed: Option<String>,
    /// Actions per second.
    pub rate: u32,
    /// The duration; `None`: until stopped.
    pub duration: Option<Duration>,
    /// The number of actions; `None`: no limit.
    pub arrivals: Option<u64>,
    /// The load ends when this file exists.
    pub stop_file: Option<PathBuf>,
    /// The number of sellers.
    pub sellers: u32,
    /// The number of buyers at the start.
    pub buyers: u32,
    /// The number of retries of a request.
    pub retries: u32,
    /// The number of concurrent actions. Further ones are delayed, and counted.
    pub max_concurrent: usize,
    /// The order windows of listings, in seconds.
    pub order_window_seconds: RangeInclusive<u64>,
    /// Cancelled by the load when all accounts have signed up and listings exist.
    pub steady: CancellationToken,
}

/// The numbers of a load, besides the record.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoadSummary {
    /// Actions that were started.
    pub started: u64,
    /// Actions that were delayed by the limit of concurrent ones.
    pub delayed: u64,
}

/// Runs a load until it ends or is stopped.
pub async fn load(plan: &LoadPlan, stop: CancellationToken) -> Result<LoadSummary, DrillError> {
    let writer = RecordWriter::open(&plan.record)?;
    let seed = AccountSeed::load(&plan.record, plan.seed.as_deref())?;
    let client = HttpClient::new(plan.endpoints.clone(), plan.retries)?;
    writer.step(Clock::system().now(), "accounts sign up".to_owned())?;
    let workload = Workload::new(client, writer, seed, plan.sellers, plan.buyers)?;
    let workload = Arc::new(workload.with_order_windows(plan.order_window_seconds.clone()));
    for account in workload.accounts() {
        if stop.is_cancelled() {
            return Ok(LoadSummary::default());
        }
        workload.sign_up(&account).await?;
    }
    workload.create_first_listings().await;
    RecordWriter::open(&plan.record)?.step(Clock::system().now(), "the load is steady".to_owned())?;
    plan.steady.cancel();

    let tasks = TaskTracker::new();
    tasks.spawn(
        stop.clone()
            .run_until_cancelled_owned(refresh_sessions(workload.clone())),
    );
    if let Some(file) = plan.stop_file.clone() {
        tasks.spawn(
            stop.clone()
                .run_until_cancelled_owned(watch_stop_file(file, stop.clone())),
        );
    }
    let summary = start_actions(plan, &workload, &tasks, &stop).await;
    stop.cancel();
    tasks.close();
    let ended = timeout(DRAIN_TIMEOUT, tasks.wait()).await;
    if let Some(error) = workload.error() {
        return Err(error);
    }
    ended.map_err(|_| DrillError::new("requests are still open: their responses are not in the record"))?;
    Ok(summary)
}

async fn start_actions(
    plan: &LoadPlan,
    workload: &Arc<Workload>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> LoadSummary {
    let mut ticks = interval(Duration::from_secs(1) / plan.rate.max(1));
    // A late action starts as soon as possible.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let until = plan.duration.map(|duration| Instant::now() + duration);
    let permits = Arc::new(Semaphore::new(plan.max_concurrent));
    let mut summary = LoadSummary::default();
    loop {
        let ended = until.is_some_and(|until| Instant::now() >= until)
            || plan.arrivals.is_some_and(|count| summary.started >= count);
        if ended || stop.run_until_cancelled(ticks.tick()).await.is_none() {
            return summary;
        }
        summary.delayed += u64::from(permits.available_permits() == 0);
        let Some(Ok(permit)) = stop.run_until_cancelled(permits.clone().acquire_owned()).await else {
            return summary;
        };
        summary.started += 1;
        let workload = workload.clone();
        tasks.spawn(async move {
            workload.perform_random_action().await;
            drop(permit);
        });
    }
}

async fn refresh_sessions(workload: Arc<Workload>) {
    let mut ticks = interval(SESSION_REFRESH_INTERVAL);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        for account in workload.accounts() {
            workload.refresh_session(&account).await;
        }
    }
}

async fn watch_stop_file(file: PathBuf, stop: CancellationToken) {
    let mut ticks = interval(STOP_FILE_INTERVAL);
    while !Path::new(&file).exists() {
        ticks.tick().await;
    }
    stop.cancel();
}
