use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The durations of the requests of one phase.
#[derive(Debug)]
pub(crate) struct Measurement {
    start: Instant,
    durations: Mutex<Vec<Duration>>,
    end: Mutex<Instant>,
}

impl Measurement {
    pub(crate) fn start_now() -> Self {
        let start = Instant::now();
        Self {
            start,
            durations: Mutex::default(),
            end: Mutex::new(start),
        }
    }

    pub(crate) const fn start(&self) -> Instant {
        self.start
    }

    /// Adds a request that has just ended.
    pub(crate) fn add(&self, request_start: Instant) {
        let now = Instant::now();
        self.durations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(now - request_start);
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Returns the header of the table.
    pub(crate) fn header() -> String {
        format!(
            "{:<28} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9} {:>8}",
            "", "done", "per s", "p50 ms", "p99 ms", "max ms", "events/s", "MiB"
        )
    }

    /// Returns a row of the table. `events` are the number of published events and the time until all were published;
    /// `memory` is in MiB.
    pub(crate) fn row(&self, phase: &str, events: (u64, Duration), memory: u64) -> String {
        let elapsed = *self.end.lock().unwrap_or_else(PoisonError::into_inner) - self.start;
        let mut durations = self.durations.lock().unwrap_or_else(PoisonError::into_inner).clone();
        durations.sort_unstable();
        let count = u64::try_from(durations.len()).unwrap_or(u64::MAX);
        let percentile =
            |percent: usize| durations.get((durations.len() * percent / 100).min(durations.len().saturating_sub(1)));
        let milliseconds = |duration: Option<&Duration>| {
            let micros = duration.map_or(0, Duration::as_micros);
            format!("{}.{}", micros / 1000, micros % 1000 / 100)
        };
        format!(
            "{phase:<28} {count:>8} {:>8} {:>9} {:>9} {:>9} {:>9} {memory:>8}",
            per_second(count, elapsed),
            milliseconds(percentile(50)),
            milliseconds(percentile(99)),
            milliseconds(durations.last()),
            per_second(events.0, events.1),
        )
    }
}

fn per_second(count: u64, elapsed: Duration) -> u128 {
    u128::from(count) * 1000 / elapsed.as_millis().max(1)
}
