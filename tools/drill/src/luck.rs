use std::sync::atomic::{AtomicU64, Ordering};

/// Chance that comes out the same for the same seed: splitmix64 (<https://prng.di.unimi.it/splitmix64.c>).
#[derive(Debug)]
pub(crate) struct Luck(AtomicU64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Luck {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn draw(&self) -> u64 {
        let state = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one.
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.draw() % end.max(1)
    }

    /// Whether it happens, so many times in a hundred.
    pub(crate) fn percent(&self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of them; none of none.
    pub(crate) fn one<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        let end = u64::try_from(of.len()).ok()?;
        of.get(usize::try_from(self.below(end)).ok()?)
    }

    /// Takes one of them out.
    pub(crate) fn take<T>(&self, of: &mut Vec<T>) -> Option<T> {
        let end = u64::try_from(of.len()).ok().filter(|end| *end > 0)?;
        Some(of.swap_remove(usize::try_from(self.below(end)).ok()?))
    }
}
