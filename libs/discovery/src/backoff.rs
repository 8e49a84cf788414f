use std::time::Duration;

/// Pauses between questions that failed: each about twice as long as the one before, and each a little different, so
/// that services which lost the same Consul do not come back in step.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self { next: FIRST }
    }

    /// Starts over: something worked.
    pub(crate) const fn reset(&mut self) {
        self.next = FIRST;
    }

    /// How long to wait now.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = jittered(self.next);
        self.next = (self.next * 2).min(LONGEST);
        pause
    }
}

/// Between half of a duration and all of it. Without entropy everybody waits equally long, which is merely less polite.
pub(crate) fn jittered(all: Duration) -> Duration {
    let half = all / 2;
    half + half * (getrandom::u32().unwrap_or_default() % 1024) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit_and_start_over() {
        let mut backoff = Backoff::new();
        for step in [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000] {
            let (pause, step) = (backoff.pause(), Duration::from_millis(step));
            assert!(pause >= step / 2 && pause <= step, "{pause:?} of {step:?}");
        }
        backoff.reset();
        assert!(backoff.pause() <= FIRST);
    }
}
