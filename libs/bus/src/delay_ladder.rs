use std::time::Duration;

/// The delays that a timer can ride: the order window, a minute, ten seconds and one second.
///
/// RabbitMQ looks only at the head of a queue for what has expired, so each queue has one delay. A timer takes the longest
/// one that does not carry it past its deadline by more than the shortest one would; dropping out early, it takes the
/// next. So an order of the usual window needs one rung, though a few milliseconds pass before its timer is set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DelayLadder {
    /// Falling.
    longer: Vec<Duration>,
    shortest: Duration,
}

impl DelayLadder {
    /// The delay_ladder of a marketplace whose orders are usually to be paid within `window` (milliseconds count).
    pub fn new(window: Duration) -> Self {
        let shortest = Duration::from_secs(1);
        let mut longer = vec![window, Duration::from_mins(1), Duration::from_secs(10)];
        longer.retain(|rung| *rung > shortest);
        longer.sort_unstable_by(|a, b| b.cmp(a));
        longer.dedup();
        Self { longer, shortest }
    }

    /// The longest rung that is at most one shortest rung longer than `remaining`, or else the shortest one.
    pub fn next(&self, remaining: Duration) -> Duration {
        let latest = remaining.saturating_add(self.shortest);
        self.longer
            .iter()
            .copied()
            .find(|rung| *rung <= latest)
            .unwrap_or(self.shortest)
    }

    /// Where a timer goes whose rung is not known to the broker.
    pub(crate) fn shortest(&self) -> Duration {
        self.shortest
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = Duration> {
        self.longer.iter().copied().chain([self.shortest])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_order_of_the_usual_window_needs_one_rung() {
        let delay_ladder = DelayLadder::new(Duration::from_mins(15));
        assert_eq!(delay_ladder.next(Duration::from_mins(15)), Duration::from_mins(15));
        assert_eq!(
            delay_ladder.next(Duration::from_mins(15) - Duration::from_millis(900)),
            Duration::from_mins(15)
        );
        assert_eq!(
            delay_ladder.next(Duration::from_mins(15) - Duration::from_millis(1100)),
            Duration::from_mins(1)
        );
        assert_eq!(delay_ladder.next(Duration::ZERO), Duration::from_secs(1));
    }

    proptest! {
        #[test]
        fn no_timer_is_late_by_more_than_the_shortest_rung(window in 0..7_200_000_u64, deadline in 0..7_200_000_u64) {
            let delay_ladder = DelayLadder::new(Duration::from_millis(window));
            let deadline = Duration::from_millis(deadline);
            let (mut at, mut hops) = (Duration::ZERO, 0);
            while at < deadline {
                at += delay_ladder.next(deadline.saturating_sub(at));
                hops += 1;
            }
            prop_assert!(at <= deadline + delay_ladder.shortest());
            prop_assert!(hops <= 120 + 6 + 10, "{hops} hops");
        }
    }
}
