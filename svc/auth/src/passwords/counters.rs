use std::{collections::HashMap, time::Duration};

/// The number of keys that are counted, 8 MiB.
const MAX_ENTRIES: usize = 200_000;

/// Counts by key, within windows that begin with the first count. In memory and bounded: if there are too many keys, the
/// oldest windows are dropped.
///
/// Times are those of [`Clock::elapsed`](values::Clock::elapsed): a clock that is set back prolongs no window.
#[derive(Debug)]
pub(super) struct Counters {
    window: Duration,
    entries: HashMap<u64, Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    count: u32,
    /// Counts that are reserved for work in progress.
    reserved: u32,
    /// The start of the window, in milliseconds.
    since: u64,
    /// When the key was [touched](Counters::touch) last, in milliseconds.
    touched: u64,
}

impl Counters {
    pub(super) fn new(window: Duration) -> Self {
        Self {
            window,
            entries: HashMap::new(),
        }
    }

    /// Returns the count in the current window.
    pub(super) fn count(&self, key: u64, now: Duration) -> u32 {
        self.entries.get(&key).map_or(0, |entry| self.current(entry, now))
    }

    /// Returns the count in the current window with the reserved counts.
    pub(super) fn count_with_reserved(&self, key: u64, now: Duration) -> u32 {
        let reserved = self.entries.get(&key).map_or(0, |entry| entry.reserved);
        self.count(key, now).saturating_add(reserved)
    }

    /// Returns the time until the window of a key ends.
    pub(super) fn remaining(&self, key: u64, now: Duration) -> Duration {
        let entry = self.entries.get(&key);
        entry.map_or(Duration::ZERO, |entry| {
            (Duration::from_millis(entry.since) + self.window).saturating_sub(now)
        })
    }

    pub(super) fn reserve(&mut self, key: u64, now: Duration) {
        let entry = self.entry(key, now);
        entry.reserved = entry.reserved.saturating_add(1);
    }

    pub(super) fn release(&mut self, key: u64) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.reserved = entry.reserved.saturating_sub(1);
            self.remove_if_empty(key);
        }
    }

    pub(super) fn add(&mut self, key: u64, now: Duration) {
        let entry = self.entry(key, now);
        if entry.count == 0 {
            entry.since = millis(now);
        }
        entry.count = entry.count.saturating_add(1);
    }

    pub(super) fn subtract(&mut self, key: u64) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.count = entry.count.saturating_sub(1);
            self.remove_if_empty(key);
        }
    }

    /// Begins again at zero.
    pub(super) fn reset(&mut self, key: u64) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.count = 0;
        }
    }

    /// Records the time of an access to a key that has been counted.
    pub(super) fn touch(&mut self, key: u64, now: Duration) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.touched = millis(now);
        }
    }

    /// Returns when a key was touched last; zero if never.
    pub(super) fn touched(&self, key: u64) -> Duration {
        let touched = self.entries.get(&key).map_or(0, |entry| entry.touched);
        Duration::from_millis(touched)
    }

    fn current(&self, entry: &Entry, now: Duration) -> u32 {
        if Duration::from_millis(entry.since) + self.window <= now {
            0
        } else {
            entry.count
        }
    }

    /// Returns the entry of a key; one whose window has passed begins again.
    fn entry(&mut self, key: u64, now: Duration) -> &mut Entry {
        if self.entries.len() >= MAX_ENTRIES && !self.entries.contains_key(&key) {
            self.make_room(now);
        }
        let count = self.count(key, now);
        let entry = self.entries.entry(key).or_insert(Entry {
            count: 0,
            reserved: 0,
            since: millis(now),
            touched: 0,
        });
        entry.count = count;
        entry
    }

    fn remove_if_empty(&mut self, key: u64) {
        if self.entries.get(&key).is_some_and(Entry::is_empty) {
            self.entries.remove(&key);
        }
    }

    /// Removes expired entries; if there are none, the oldest tenth, so that this is seldom needed. Entries with reservations
    /// stay: there are as many as passwords that are hashed or queued at the same time.
    fn make_room(&mut self, now: Duration) {
        let oldest = millis(now.saturating_sub(self.window));
        self.entries
            .retain(|_, entry| entry.since > oldest || entry.reserved > 0);
        if self.entries.len() >= MAX_ENTRIES {
            let mut times = self.entries.values().map(|entry| entry.since).collect::<Vec<_>>();
            let (_, old, _) = times.select_nth_unstable(MAX_ENTRIES / 10);
            let oldest_kept = *old;
            self.entries
                .retain(|_, entry| entry.since > oldest_kept || entry.reserved > 0);
        }
        self.entries.shrink_to(MAX_ENTRIES);
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Entry {
    const fn is_empty(&self) -> bool {
        self.count == 0 && self.reserved == 0
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_mins(15);

    #[test]
    fn a_window_begins_with_the_first_count() {
        let mut counters = Counters::new(WINDOW);
        let at = Duration::from_mins;
        counters.add(1, at(10));
        counters.add(1, at(20));
        assert_eq!((counters.count(1, at(24)), counters.count(1, at(25))), (2, 0));
        assert_eq!(counters.remaining(1, at(24)), at(1));
        counters.add(1, at(30));
        assert_eq!((counters.count(1, at(44)), counters.count(1, at(45))), (1, 0));
    }

    #[test]
    fn the_memory_is_bounded_and_the_latest_counts_are_kept() {
        let mut counters = Counters::new(WINDOW);
        for key in 0..420_000 {
            counters.add(key, Duration::from_millis(key));
            assert!(counters.entries.len() <= MAX_ENTRIES);
        }
        assert!(counters.entries.len() > MAX_ENTRIES / 2);
        assert!((300_000..420_000).all(|key| counters.entries.contains_key(&key)));

        for key in 1_000_000..1_200_000 {
            counters.add(key, Duration::from_hours(1));
        }
        assert_eq!(counters.entries.len(), MAX_ENTRIES, "expired entries were removed");
    }
}
