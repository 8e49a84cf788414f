//! A circuit breaker: while Stripe does not answer, no requests are sent, so that no client waits for a timeout.
//!
//! A probe closes it. Calls that it prevents stay due. Its state belongs to one process.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::RetrySchedule;

/// This many consecutive failures open the breaker.
const FAILURE_THRESHOLD: u32 = 5;

/// The pauses before probes. The longest bounds how late a return of Stripe is detected.
const PROBE_SCHEDULE: RetrySchedule = RetrySchedule::up_to(Duration::from_secs(8));

/// Allows requests, or not. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Breaker {
    state: Arc<Mutex<State>>,
    /// How long a probe may take before another one is allowed.
    probe_timeout: Duration,
}

#[derive(Debug)]
struct State {
    /// Consecutive failures.
    failures: u32,
    /// Until when no request is allowed; `None` while the breaker is closed.
    open_until: Option<Instant>,
}

impl Breaker {
    pub(super) fn new(probe_timeout: Duration) -> Self {
        let state = State {
            failures: 0,
            open_until: None,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            probe_timeout,
        }
    }

    /// For how long no request is allowed; `None` if one is allowed now.
    pub(super) fn open_for(&self, now: Instant) -> Option<Duration> {
        let until = self.state().open_until?;
        Some(until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// Whether a request may be sent. After the pause, the first caller may probe; others have to wait for its result.
    pub(super) fn allow(&self, now: Instant) -> bool {
        let mut state = self.state();
        match state.open_until {
            None => true,
            Some(until) if until > now => false,
            Some(_) => {
                state.open_until = Some(now + self.probe_timeout);
                true
            }
        }
    }

    /// Counts a response, whatever its content; returns whether it closes the breaker.
    pub(super) fn record_success(&self) -> bool {
        let mut state = self.state();
        state.failures = 0;
        state.open_until.take().is_some()
    }

    /// Counts a request without an answer; returns whether it opens the breaker.
    pub(super) fn record_failure(&self, now: Instant) -> bool {
        let mut state = self.state();
        let was_open = state.open_until.is_some();
        state.failures = state.failures.saturating_add(1);
        if let Some(failed_probes) = state.failures.checked_sub(FAILURE_THRESHOLD) {
            state.open_until = Some(now + PROBE_SCHEDULE.delay_after(failed_probes + 1));
        }
        state.open_until.is_some() && !was_open
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBE: Duration = Duration::from_secs(10);

    fn open(now: Instant) -> Breaker {
        let breaker = Breaker::new(PROBE);
        for _ in 1..FAILURE_THRESHOLD {
            assert!(!breaker.record_failure(now));
            assert!(breaker.allow(now), "some failures are tolerated");
        }
        assert!(breaker.record_failure(now), "it opens once");
        assert!(!breaker.allow(now));
        breaker
    }

    #[test]
    fn one_response_resets_the_count_of_failures() {
        let now = Instant::now();
        let breaker = Breaker::new(PROBE);
        for _ in 0..20 {
            for _ in 1..FAILURE_THRESHOLD {
                breaker.record_failure(now);
            }
            assert!(!breaker.record_success(), "it never opened");
            assert!(breaker.allow(now));
        }
    }

    #[test]
    fn after_a_pause_one_probe_is_allowed_and_its_response_closes_the_breaker() {
        let now = Instant::now();
        let breaker = open(now);
        let later = now + Duration::from_secs(1);
        assert!(breaker.allow(later));
        assert!(!breaker.allow(later), "one probe at a time");
        assert!(breaker.record_success());
        assert!(breaker.allow(later) && breaker.allow(later));
        assert_eq!(breaker.open_for(later), None);
    }

    #[test]
    fn failed_probes_double_the_pause_up_to_the_limit() {
        let mut now = Instant::now();
        let breaker = open(now);
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let pause = breaker.open_for(now).unwrap();
            pauses.push(pause.as_secs());
            now += pause;
            assert!(breaker.allow(now));
            assert!(!breaker.record_failure(now), "it is open already");
        }
        assert_eq!(pauses, [1, 2, 4, 8, 8, 8]);
    }

    #[test]
    fn a_probe_that_never_ends_does_not_block_the_next_one() {
        let now = Instant::now();
        let breaker = open(now);
        let later = now + Duration::from_secs(1);
        assert!(breaker.allow(later));
        assert!(!breaker.allow(later + PROBE / 2));
        assert!(breaker.allow(later + PROBE));
    }
}
