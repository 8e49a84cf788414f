use std::time::Duration;

/// The delay levels of a service's timers. There is one queue for each level.
///
/// RabbitMQ checks only the head of a queue for expired messages, so all messages of one queue have the same delay. A
/// timer takes the longest level that does not carry it past its deadline by more than the shortest level. If it comes
/// out before its deadline, it takes the next level.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DelayLadder {
    /// Descending.
    longer: Vec<Duration>,
    shortest: Duration,
}

impl DelayLadder {
    /// Builds a ladder (milliseconds count). Levels of `longer` that are not longer than `shortest` are left out.
    pub fn new(shortest: Duration, longer: impl IntoIterator<Item = Duration>) -> Self {
        let mut longer: Vec<_> = longer.into_iter().filter(|level| *level > shortest).collect();
        longer.sort_unstable_by(|a, b| b.cmp(a));
        longer.dedup();
        Self { longer, shortest }
    }

    /// Returns the longest level that exceeds `remaining` by at most the shortest level, or else the shortest level.
    pub fn level_for(&self, remaining: Duration) -> Duration {
        let latest = remaining.saturating_add(self.shortest);
        self.longer
            .iter()
            .copied()
            .find(|level| *level <= latest)
            .unwrap_or(self.shortest)
    }

    /// Returns the level of timers whose own level the broker does not have: the shortest of at least a second, because they may
    /// take it hundreds of times.
    pub fn fallback(&self) -> Duration {
        let long_enough = self.levels().filter(|level| *level >= Duration::from_secs(1));
        long_enough.last().unwrap_or(self.shortest)
    }

    /// Returns all levels, the longest first.
    pub fn levels(&self) -> impl Iterator<Item = Duration> {
        self.longer.iter().copied().chain([self.shortest])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ladder(longest: Duration) -> DelayLadder {
        DelayLadder::new(
            Duration::from_millis(200),
            [
                longest,
                Duration::from_mins(1),
                Duration::from_secs(10),
                Duration::from_secs(1),
            ],
        )
    }

    #[test]
    fn a_timer_of_the_longest_level_needs_one_hop() {
        let ladder = ladder(Duration::from_mins(15));
        assert_eq!(ladder.level_for(Duration::from_mins(15)), Duration::from_mins(15));
        assert_eq!(
            ladder.level_for(Duration::from_mins(15) - Duration::from_millis(200)),
            Duration::from_mins(15)
        );
        assert_eq!(
            ladder.level_for(Duration::from_mins(15) - Duration::from_millis(201)),
            Duration::from_mins(1)
        );
        assert_eq!(ladder.level_for(Duration::ZERO), Duration::from_millis(200));
    }

    proptest! {
        #[test]
        fn no_timer_is_late_by_more_than_the_shortest_level(longest in 0..7_200_000_u64, deadline in 0..7_200_000_u64) {
            let ladder = ladder(Duration::from_millis(longest));
            let deadline = Duration::from_millis(deadline);
            let (mut elapsed, mut hops) = (Duration::ZERO, 0);
            while elapsed < deadline {
                elapsed += ladder.level_for(deadline.saturating_sub(elapsed));
                hops += 1;
            }
            prop_assert!(elapsed <= deadline + ladder.shortest);
            prop_assert!(hops <= 120 + 6 + 10 + 5, "{hops} hops");
        }
    }
}
