use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

/// The shortest time between two log lines about the same condition.
const INTERVAL: Duration = Duration::from_secs(10);

/// Limits how often a condition is logged that a client can cause at will.
#[derive(Debug, Default)]
pub(super) struct LogInterval(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    logged: Option<Instant>,
    count: u64,
}

impl LogInterval {
    /// Counts an occurrence. Returns how many there were since the last log line, if another one is due.
    pub(super) fn occurred(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        state.count += 1;
        if state.logged.is_some_and(|logged| logged.elapsed() < INTERVAL) {
            return None;
        }
        state.logged = Some(Instant::now());
        Some(std::mem::take(&mut state.count))
    }
}
