//! A circuit breaker: while Stripe does not answer, it is not asked, so that nobody waits for it in vain.
//!
//! It closes by a probe. For one process; what is not asked now stays due, and is asked once the breaker has closed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// So many requests in a row without an answer open it.
const PATIENCE: u32 = 5;

/// The first pause before a probe; each probe in vain doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: Stripe is back at most this long before somebody notices.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Lets requests through, or not. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Breaker {
    state: Arc<Mutex<State>>,
    /// How long a probe may take: one that never ends is not waited for.
    probe: Duration,
}

#[derive(Debug)]
struct State {
    /// Requests without an answer since the last one with.
    failures: u32,
    /// Until when nobody may ask; `None` while everybody may.
    shut_until: Option<Instant>,
}

impl Breaker {
    pub(crate) fn new(probe: Duration) -> Self {
        let state = State {
            failures: 0,
            shut_until: None,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            probe,
        }
    }

    /// How long nobody may ask; `None` if somebody may.
    pub(crate) fn shut_for(&self, now: Instant) -> Option<Duration> {
        let until = self.state().shut_until?;
        Some(until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// Asks to pass. Of those who ask when the pause is over, the first is the probe, and the others wait for it.
    pub(crate) fn pass(&self, now: Instant) -> bool {
        let mut state = self.state();
        match state.shut_until {
            None => true,
            Some(until) if until > now => false,
            Some(_) => {
                state.shut_until = Some(now + self.probe);
                true
            }
        }
    }

    /// Stripe answered, whatever it said; says whether the breaker closes by that.
    pub(crate) fn answered(&self) -> bool {
        let mut state = self.state();
        state.failures = 0;
        state.shut_until.take().is_some()
    }

    /// Stripe did not answer, or could not; says whether the breaker opens by that.
    pub(crate) fn unanswered(&self, now: Instant) -> bool {
        let mut state = self.state();
        let was_open = state.shut_until.is_some();
        state.failures = state.failures.saturating_add(1);
        if let Some(beyond) = state.failures.checked_sub(PATIENCE) {
            let pause = FIRST_PAUSE * 2_u32.pow(beyond.min(8));
            state.shut_until = Some(now + pause.min(LONGEST_PAUSE));
        }
        state.shut_until.is_some() && !was_open
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
        for _ in 1..PATIENCE {
            assert!(!breaker.unanswered(now));
            assert!(breaker.pass(now), "some silence is nothing yet");
        }
        assert!(breaker.unanswered(now), "it opens once");
        assert!(!breaker.pass(now));
        breaker
    }

    #[test]
    fn one_answer_is_enough_to_trust_again() {
        let now = Instant::now();
        let breaker = Breaker::new(PROBE);
        for _ in 0..20 {
            for _ in 1..PATIENCE {
                breaker.unanswered(now);
            }
            assert!(!breaker.answered(), "it never opened");
            assert!(breaker.pass(now));
        }
    }

    #[test]
    fn after_a_pause_one_may_try_and_an_answer_lets_all_through() {
        let now = Instant::now();
        let breaker = open(now);
        let later = now + FIRST_PAUSE;
        assert!(breaker.pass(later));
        assert!(!breaker.pass(later), "one probe at a time");
        assert!(breaker.answered());
        assert!(breaker.pass(later) && breaker.pass(later));
        assert_eq!(breaker.shut_for(later), None);
    }

    #[test]
    fn probes_in_vain_come_less_often_but_never_seldom() {
        let mut now = Instant::now();
        let breaker = open(now);
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let pause = breaker.shut_for(now).unwrap();
            pauses.push(pause.as_secs());
            now += pause;
            assert!(breaker.pass(now));
            assert!(!breaker.unanswered(now), "it is open already");
        }
        assert_eq!(pauses, [1, 2, 4, 8, 8, 8]);
    }

    #[test]
    fn a_probe_that_never_ends_is_not_waited_for() {
        let now = Instant::now();
        let breaker = open(now);
        let later = now + FIRST_PAUSE;
        assert!(breaker.pass(later));
        assert!(!breaker.pass(later + PROBE / 2));
        assert!(breaker.pass(later + PROBE));
    }
}
