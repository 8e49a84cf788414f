use std::time::Duration;

/// When each request of an open loop is due, from the start on: at a constant rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schedule {
    per_second: u32,
    count: u64,
}

impl Schedule {
    /// Returns the schedule of `per_second` requests in each second of `duration`.
    pub fn new(per_second: u32, duration: Duration) -> Self {
        let per_second = per_second.max(1);
        let count = duration.as_nanos() * u128::from(per_second) / 1_000_000_000;
        Self {
            per_second,
            count: u64::try_from(count).unwrap_or(u64::MAX),
        }
    }

    /// Returns the number of requests.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Returns when the request with this number is due; `None` after the last one.
    pub fn due(&self, number: u64) -> Option<Duration> {
        let nanos = u128::from(number) * 1_000_000_000 / u128::from(self.per_second);
        (number < self.count).then(|| Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_at_a_constant_rate_that_does_not_drift() {
        let schedule = Schedule::new(3000, Duration::from_secs(7));
        assert_eq!(schedule.count(), 21_000);
        assert_eq!(schedule.due(0), Some(Duration::ZERO));
        assert_eq!(schedule.due(1), Some(Duration::from_nanos(333_333)));
        assert_eq!(schedule.due(3000), Some(Duration::from_secs(1)));
        assert_eq!(schedule.due(18_000), Some(Duration::from_secs(6)));
        assert_eq!(schedule.due(21_000), None);
    }
}
