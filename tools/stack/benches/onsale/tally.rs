use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long each of many requests took, and all of them together.
#[derive(Debug)]
pub(crate) struct Tally {
    begun: Instant,
    times: Mutex<Vec<Duration>>,
    ended: Mutex<Instant>,
}

impl Tally {
    /// Begins now.
    pub(crate) fn begin() -> Self {
        let begun = Instant::now();
        Self {
            begun,
            times: Mutex::default(),
            ended: Mutex::new(begun),
        }
    }

    pub(crate) const fn begun(&self) -> Instant {
        self.begun
    }

    /// Notes a request that was begun then and has ended now.
    pub(crate) fn add(&self, since: Instant) {
        let now = Instant::now();
        self.times
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(now - since);
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    pub(crate) fn head() -> String {
        format!(
            "{:<28} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9} {:>8}",
            "", "done", "per s", "p50 ms", "p99 ms", "max ms", "events/s", "MiB"
        )
    }

    /// One line of the table. `events` is how many were published meanwhile and until they all were, and how long that
    /// took; `memory` is in MiB.
    pub(crate) fn line(&self, name: &str, events: (u64, Duration), memory: u64) -> String {
        let took = *self.ended.lock().unwrap_or_else(PoisonError::into_inner) - self.begun;
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner).clone();
        times.sort_unstable();
        let done = u64::try_from(times.len()).unwrap_or(u64::MAX);
        let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
        let shown = |time: Option<&Duration>| {
            let micros = time.map_or(0, Duration::as_micros);
            format!("{}.{}", micros / 1000, micros % 1000 / 100)
        };
        format!(
            "{name:<28} {done:>8} {:>8} {:>9} {:>9} {:>9} {:>9} {memory:>8}",
            per_second(done, took),
            shown(at(50)),
            shown(at(99)),
            shown(times.last()),
            per_second(events.0, events.1),
        )
    }
}

fn per_second(count: u64, took: Duration) -> u128 {
    u128::from(count) * 1000 / took.as_millis().max(1)
}
