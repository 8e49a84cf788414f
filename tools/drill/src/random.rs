//! A source of random numbers with a seed.

use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random numbers with a seed: splitmix64 (<https://prng.di.unimi.it/splitmix64.c>).
#[derive(Debug)]
pub struct Random(AtomicU64);

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// Returns a source whose numbers follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn draw(&self) -> u64 {
        let state = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`.
    pub fn below(&self, end: u64) -> u64 {
        self.draw() % end.max(1)
    }

    /// Returns `true` with a probability of `chance` percent.
    pub fn percent(&self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// Returns a random item; `None` of an empty slice.
    pub fn choose<'a, T>(&self, items: &'a [T]) -> Option<&'a T> {
        let end = u64::try_from(items.len()).ok()?;
        items.get(usize::try_from(self.below(end)).ok()?)
    }

    /// Removes a random item.
    pub fn take<T>(&self, items: &mut Vec<T>) -> Option<T> {
        let end = u64::try_from(items.len()).ok().filter(|end| *end > 0)?;
        Some(items.swap_remove(usize::try_from(self.below(end)).ok()?))
    }
}
