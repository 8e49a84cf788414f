use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::Entry;

/// The number of rows that refusals are written to in a minute. Beyond, those of an action and result are one row.
const MAX_ROWS: usize = 100;

/// Counts what was refused, in memory, until it is written, once a minute and when the service stops. A crash loses at most a minute.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Arc<Mutex<HashMap<Entry, u32>>>);

impl Refusals {
    /// Counts a refusal.
    pub fn count(&self, entry: Entry) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = if counts.len() < MAX_ROWS || counts.contains_key(&entry) {
            entry
        } else {
            Entry {
                actor: None,
                subject: None,
                network: None,
                ..entry
            }
        };
        let count = counts.entry(entry).or_default();
        *count = count.saturating_add(1);
    }

    /// Returns what was counted, and begins again.
    pub fn take(&self) -> Vec<(Entry, u32)> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *counts).into_iter().collect()
    }
}
