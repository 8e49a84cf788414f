//! Stripe's rate limit: after a response 429, requests that were refused before wait for their turn.
//!
//! It is no outage: requests for other payments are sent, and the circuit breaker stays closed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::RetrySchedule;

/// How long repeated requests wait for their turn after a response 429.
const SCHEDULE: RetrySchedule = RetrySchedule::up_to(Duration::from_secs(32));

/// Whether Stripe limits the rate of requests. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct RateLimit {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Consecutive responses 429.
    refusals: u32,
    until: Option<Instant>,
}

impl RateLimit {
    /// Whether repeated requests have to wait for their turn.
    pub(super) fn is_active(&self, now: Instant) -> bool {
        self.state().until.is_some_and(|until| now < until)
    }

    /// Counts a response 429.
    pub(super) fn record_refusal(&self, now: Instant) {
        let mut state = self.state();
        state.refusals = state.refusals.saturating_add(1);
        state.until = Some(now + SCHEDULE.delay_after(state.refusals));
    }

    /// Counts any other response. The limit stays active for its time: the next responses may be refused again.
    pub(super) fn record_answer(&self) {
        self.state().refusals = 0;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_double_the_time_and_an_answer_resets_it() {
        let (limit, now) = (RateLimit::default(), Instant::now());
        let lasts = |seconds| {
            limit.is_active(now + Duration::from_millis(seconds * 1000 - 1))
                && !limit.is_active(now + Duration::from_secs(seconds))
        };
        assert!(!limit.is_active(now));
        for seconds in [1, 2, 4, 8, 16, 32, 32] {
            limit.record_refusal(now);
            assert!(lasts(seconds), "{seconds}");
        }
        limit.record_answer();
        assert!(lasts(32));
        limit.record_refusal(now);
        assert!(lasts(1));
    }
}
