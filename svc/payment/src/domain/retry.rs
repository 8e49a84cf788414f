//! The retry schedule of tasks at Stripe. `payment/stripe_result.rs`, `refund.rs` and
//! `captured_funds.rs` choose which schedule applies.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use values::Timestamp;

/// Delays between attempts: one second, doubled with each failure, up to a limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetrySchedule {
    longest: Duration,
}

/// The failed attempts at one task, and when the next attempt is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Retry {
    failed_attempts: u32,
    next_at: Timestamp,
}

impl RetrySchedule {
    /// For requests that Stripe did not answer: every open task is retried within a minute of Stripe's return.
    pub(crate) const UNANSWERED: Self = Self::up_to(Duration::from_secs(45));

    /// For results that Stripe does not have yet: it usually announces them by webhook, so a check is a fallback.
    pub(crate) const NO_RESULT_YET: Self = Self::up_to(Duration::from_hours(1));

    /// A schedule whose delays never exceed `longest`.
    pub(crate) const fn up_to(longest: Duration) -> Self {
        Self { longest }
    }

    /// Returns the delay after a number of failed attempts, at least one.
    pub(crate) fn delay_after(self, failed_attempts: u32) -> Duration {
        let doublings = failed_attempts.saturating_sub(1).min(MAX_DOUBLINGS);
        Duration::from_secs(1 << doublings).min(self.longest)
    }
}

/// Bounds the shift; the delay is above every limit by then.
const MAX_DOUBLINGS: u32 = 12;

impl Retry {
    /// A task without failed attempts, due at `next_at`.
    pub(crate) const fn at(next_at: Timestamp) -> Self {
        Self::new(0, next_at)
    }

    /// A task that has failed so many times, due at `next_at`.
    pub(crate) const fn new(failed_attempts: u32, next_at: Timestamp) -> Self {
        Self {
            failed_attempts,
            next_at,
        }
    }

    pub(crate) const fn failed_attempts(self) -> u32 {
        self.failed_attempts
    }

    pub(crate) const fn next_at(self) -> Timestamp {
        self.next_at
    }

    pub(crate) fn is_due(self, now: Timestamp) -> bool {
        self.next_at <= now
    }

    /// Counts a failed attempt.
    pub(crate) fn postpone(&mut self, schedule: RetrySchedule, now: Timestamp) {
        self.failed_attempts = self.failed_attempts.saturating_add(1);
        self.next_at = now + schedule.delay_after(self.failed_attempts);
    }

    /// Counts a failed attempt like [`postpone`](Self::postpone), and spreads the next attempts of different tasks over the
    /// second half of the delay.
    pub(crate) fn postpone_apart(&mut self, schedule: RetrySchedule, task: &impl Hash, now: Timestamp) {
        self.postpone(schedule, now);
        let mut hasher = DefaultHasher::new();
        (task, self.failed_attempts).hash(&mut hasher);
        let half = schedule.delay_after(self.failed_attempts) / 2;
        let sixteenths = u32::try_from(hasher.finish() % 17).unwrap_or_default();
        self.next_at = now + half + half * sixteenths / 16;
    }

    /// Makes the next attempt due no later than `now`.
    pub(crate) fn bring_forward(&mut self, now: Timestamp) {
        self.next_at = self.next_at.min(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::NOW;

    #[test]
    fn tasks_are_spread_over_the_second_half_of_the_delay() {
        let mut all = std::collections::HashSet::new();
        for task in 0..200_u32 {
            let mut retry = Retry::new(5, NOW);
            retry.postpone_apart(RetrySchedule::UNANSWERED, &task, NOW);
            let delay = NOW.until(retry.next_at());
            assert!((Duration::from_secs(16)..=Duration::from_secs(32)).contains(&delay));
            all.insert(delay);
        }
        assert!(all.len() > 10, "{all:?}");
    }

    #[test]
    fn delays_double_up_to_the_limit() {
        for (schedule, delays) in [
            (RetrySchedule::UNANSWERED, [1, 2, 4, 8, 16, 32, 45, 45].as_slice()),
            (
                RetrySchedule::NO_RESULT_YET,
                &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600],
            ),
        ] {
            let mut retry = Retry::at(NOW);
            for delay in delays {
                retry.postpone(schedule, NOW);
                assert_eq!(retry.next_at(), NOW + Duration::from_secs(*delay));
                assert!(!retry.is_due(NOW));
            }
        }
        let longest = RetrySchedule::UNANSWERED.delay_after(u32::MAX);
        assert_eq!(longest, Duration::from_secs(45));
    }
}
