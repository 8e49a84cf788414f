use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use values::Timestamp;

use crate::Entry;

/// The number of rows that refusals are written to in a minute.
const MAX_ROWS: usize = 100;

/// The number of rows of refusals in a day: about 400 MB in a year.
const MAX_ROWS_OF_DAY: usize = 5000;

/// The number of rows of one user in a day, or of one network if the user is not known.
const MAX_ROWS_OF_SOURCE: usize = 200;

const DAY: Duration = Duration::from_hours(24);

/// Counts what was refused, in memory, until it is written, once a minute and when the service stops. A crash loses at most a
/// minute.
///
/// Beyond the limits on rows, refusals of a user, action and result are counted by the hour, and beyond those, all of an
/// action and result.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    counts: HashMap<Entry, u32>,
    today: Today,
}

/// The rows of the current day.
#[derive(Debug, Default)]
struct Today {
    since: Option<Timestamp>,
    rows: usize,
    of_sources: HashMap<String, usize>,
}

impl Refusals {
    /// Counts a refusal.
    pub fn count(&self, entry: Entry) {
        let mut state = self.state();
        let entry = state.within_limits(entry);
        let count = state.counts.entry(entry).or_default();
        *count = count.saturating_add(1);
    }

    /// Returns what was counted, and begins again.
    pub fn take(&self, now: Timestamp) -> Vec<(Entry, u32)> {
        let mut state = self.state();
        let today = &mut state.today;
        let since = *today.since.get_or_insert(now);
        // The clock may have been set back.
        if now >= since + DAY || now < since {
            *today = Today {
                since: Some(now),
                ..Today::default()
            };
        }
        std::mem::take(&mut state.counts).into_iter().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns the entry, or one of its fields that fewer entries have.
    fn within_limits(&mut self, entry: Entry) -> Entry {
        if self.counts.contains_key(&entry) {
            return entry;
        }
        let source = entry
            .actor
            .as_ref()
            .or(entry.network.as_ref())
            .cloned()
            .unwrap_or_default();
        let rows_of_source = self.today.of_sources.get(&source).copied().unwrap_or_default();
        if self.counts.len() < MAX_ROWS && self.today.rows < MAX_ROWS_OF_DAY && rows_of_source < MAX_ROWS_OF_SOURCE {
            self.today.rows += 1;
            self.today.of_sources.insert(source, rows_of_source + 1);
            return entry;
        }
        let of_actor = Entry {
            subject: None,
            network: None,
            ..entry
        };
        if self.counts.contains_key(&of_actor) || self.counts.len() < 2 * MAX_ROWS {
            of_actor
        } else {
            Entry {
                actor: None,
                ..of_actor
            }
        }
    }
}
