//! Delays between attempts that fail: exponential, capped, with jitter.

use std::time::Duration;

/// The delays of one series of attempts.
///
/// The base delay doubles with each failure, up to a limit. Each delay lies between half of the base delay and all of
/// it, so that services that lost the same peer do not reconnect at the same time.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    base: Duration,
    random: SplitMix64,
}

impl Backoff {
    /// A series that begins at `first` and never exceeds `longest`.
    pub fn new(first: Duration, longest: Duration) -> Self {
        // Without entropy all processes wait for the same time: correct, but without the benefit of jitter.
        Self::with_seed(first, longest, getrandom::u64().unwrap_or_default())
    }

    /// The same, with the jitter determined by `seed`: for tests.
    pub const fn with_seed(first: Duration, longest: Duration, seed: u64) -> Self {
        Self {
            first,
            longest,
            base: first,
            random: SplitMix64(seed),
        }
    }

    /// Starts over, after a success.
    pub const fn reset(&mut self) {
        self.base = self.first;
    }

    /// Returns the delay before the next attempt, after a failure.
    pub fn next_delay(&mut self) -> Duration {
        let delay = self.jittered(self.base);
        self.base = self.base.saturating_mul(2).min(self.longest);
        delay
    }

    /// Returns a duration between half of `duration` and all of it.
    pub fn jittered(&mut self, duration: Duration) -> Duration {
        let half = duration / 2;
        half + half * self.random.next_fraction() / FRACTIONS
    }
}

/// The resolution of the jitter.
const FRACTIONS: u32 = 1024;

/// The generator of <https://prng.di.unimi.it/splitmix64.c>: jitter needs no more.
#[derive(Clone, Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    /// Below [`FRACTIONS`].
    fn next_fraction(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        u32::try_from(mixed % u64::from(FRACTIONS)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(5);

    #[test]
    fn delays_double_up_to_the_limit_and_start_over_after_a_success() {
        for seed in 0..100 {
            let mut backoff = Backoff::with_seed(FIRST, LONGEST, seed);
            for base in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
                let (delay, base) = (backoff.next_delay(), Duration::from_millis(base));
                assert!(delay >= base / 2 && delay <= base, "{delay:?} of {base:?}");
            }
            backoff.reset();
            assert!(backoff.next_delay() <= FIRST);
        }
    }

    #[test]
    fn one_seed_gives_one_series_and_other_seeds_other_ones() {
        let series = |seed| {
            let mut backoff = Backoff::with_seed(FIRST, LONGEST, seed);
            [(); 8].map(|()| backoff.next_delay())
        };
        assert_eq!(series(1), series(1));
        assert_ne!(series(1), series(2));
    }
}
