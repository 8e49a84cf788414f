//! A steady load: people come at a fixed rate, however long the answers take.

use std::{
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

use crate::{Trouble, acts::Town, crew::Seed, http::Door, record::Recorder};

/// How long requests under way may take to end.
const LAST_ANSWERS: Duration = Duration::from_secs(90);
/// How often everybody's session is renewed: well within a quarter of an hour.
const RENEWAL: Duration = Duration::from_mins(5);
/// How often the stop file is looked for.
const LOOK: Duration = Duration::from_millis(250);

/// What is done to the marketplace.
#[derive(Clone, Debug)]
pub struct Load {
    /// The front door.
    pub url: String,
    /// Where every answer is written.
    pub record: PathBuf,
    /// Given, or drawn and kept beside the record.
    pub seed: Option<String>,
    /// Arrivals in a second.
    pub rate: u32,
    /// For how long; nothing: until stopped.
    pub lasting: Option<Duration>,
    /// For how many arrivals; nothing: however many come.
    pub arrivals: Option<u64>,
    /// Ends it when it is there.
    pub stop_file: Option<PathBuf>,
    /// Sellers.
    pub sellers: u32,
    /// Buyers to begin with.
    pub buyers: u32,
    /// How often a request is tried again.
    pub retries: u32,
    /// Arrivals under way at once; whoever comes then has to wait, and that is told.
    pub at_once: usize,
}

/// What came of it, beside the record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loaded {
    /// Who arrived.
    pub arrived: u64,
    /// Who had to wait because too many were under way.
    pub held_back: u64,
}

/// Loads the marketplace until it is over or stopped.
pub async fn load(plan: &Load, stop: CancellationToken) -> Result<Loaded, Trouble> {
    let recorder = Recorder::open(&plan.record)?;
    let seed = Seed::of(&plan.record, plan.seed.as_deref())?;
    let door = Door::new(&plan.url, plan.retries)?;
    recorder.step(Clock::system().now(), "people arrive".to_owned())?;
    let town = Arc::new(Town::new(door, recorder, seed, plan.sellers, plan.buyers)?);
    for person in town.crew() {
        if stop.is_cancelled() {
            return Ok(Loaded::default());
        }
        town.arrives(&person).await?;
    }
    town.opens().await;
    Recorder::open(&plan.record)?.step(Clock::system().now(), "the load is steady".to_owned())?;

    let tasks = TaskTracker::new();
    tasks.spawn(stop.clone().run_until_cancelled_owned(renewing(town.clone())));
    if let Some(file) = plan.stop_file.clone() {
        tasks.spawn(stop.clone().run_until_cancelled_owned(watching(file, stop.clone())));
    }
    let loaded = arrivals(plan, &town, &tasks, &stop).await;
    stop.cancel();
    tasks.close();
    let ended = timeout(LAST_ANSWERS, tasks.wait()).await;
    if let Some(trouble) = town.trouble() {
        return Err(trouble);
    }
    ended.map_err(|_| Trouble::new("requests are still under way: their answers are not in the record"))?;
    Ok(loaded)
}

async fn arrivals(plan: &Load, town: &Arc<Town>, tasks: &TaskTracker, stop: &CancellationToken) -> Loaded {
    let mut clock = interval(Duration::from_secs(1) / plan.rate.max(1));
    // Whoever could not come in time comes as soon as possible.
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let until = plan.lasting.map(|lasting| Instant::now() + lasting);
    let places = Arc::new(Semaphore::new(plan.at_once));
    let mut loaded = Loaded::default();
    loop {
        let over = until.is_some_and(|until| Instant::now() >= until)
            || plan.arrivals.is_some_and(|count| loaded.arrived >= count);
        if over || stop.run_until_cancelled(clock.tick()).await.is_none() {
            return loaded;
        }
        loaded.held_back += u64::from(places.available_permits() == 0);
        let Some(Ok(place)) = stop.run_until_cancelled(places.clone().acquire_owned()).await else {
            return loaded;
        };
        loaded.arrived += 1;
        let town = town.clone();
        tasks.spawn(async move {
            town.act().await;
            drop(place);
        });
    }
}

async fn renewing(town: Arc<Town>) {
    let mut clock = interval(RENEWAL);
    clock.tick().await;
    loop {
        clock.tick().await;
        for person in town.crew() {
            town.renew(&person).await;
        }
    }
}

async fn watching(file: PathBuf, stop: CancellationToken) {
    let mut looks = interval(LOOK);
    while !Path::new(&file).exists() {
        looks.tick().await;
    }
    stop.cancel();
}
