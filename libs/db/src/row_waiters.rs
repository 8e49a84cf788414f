//! Callers that wait for a row that another service's event will write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::sync::Cache;
use tokio::sync::watch;

/// The number of callers that may wait at once.
const MAX_WAITERS: usize = 512;

/// The number of callers that may wait at once for the same client.
const MAX_WAITERS_PER_CLIENT: usize = 16;

/// The number of announced rows whose keys are stored. One takes up about a hundred bytes.
const MAX_ANNOUNCED: usize = 4096;

/// The waiting callers, by the key of the row. A commit wakes those that wait for one of its rows, and no others.
#[derive(Debug)]
pub(crate) struct RowWaiters {
    waiting: Mutex<Waiting>,
    /// The keys of rows that were announced lately, so that a crowd that asks for one does not read it each time.
    announced: Cache<String, ()>,
}

impl Default for RowWaiters {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            announced: Cache::new(MAX_ANNOUNCED),
        }
    }
}

#[derive(Debug, Default)]
struct Waiting {
    rows: HashMap<String, watch::Sender<bool>>,
    clients: HashMap<String, usize>,
    count: usize,
}

/// A caller that waits for a row, until it is dropped.
pub(crate) struct RowWaiter {
    waiters: Arc<RowWaiters>,
    client: String,
    key: String,
    written: watch::Receiver<bool>,
}

impl RowWaiters {
    /// Adds a caller that waits for the row `key` on behalf of `client`. Returns `None` if too many wait already.
    pub(crate) fn add(self: &Arc<Self>, client: String, key: String) -> Option<RowWaiter> {
        let mut waiting = self.lock();
        let of_client = waiting.clients.get(&client).copied().unwrap_or_default();
        if waiting.count >= MAX_WAITERS || of_client >= MAX_WAITERS_PER_CLIENT {
            return None;
        }
        waiting.count += 1;
        waiting.clients.insert(client.clone(), of_client + 1);
        let row = waiting.rows.entry(key.clone());
        let written = row.or_insert_with(|| watch::Sender::new(false)).subscribe();
        drop(waiting);
        Some(RowWaiter {
            waiters: Arc::clone(self),
            client,
            key,
            written,
        })
    }

    /// Wakes the callers that wait for one of the rows, and stores the keys of these rows.
    pub(crate) fn wake(&self, keys: Vec<String>) {
        if keys.is_empty() {
            return;
        }
        let mut waiting = self.lock();
        for key in keys {
            if let Some(row) = waiting.rows.remove(&key) {
                row.send_replace(true);
            }
            self.announced.insert(key, ());
        }
    }

    /// Returns whether the row `key` was announced lately. The keys of older ones are not stored.
    pub(crate) fn was_announced(&self, key: &str) -> bool {
        self.announced.get(key).is_some()
    }

    /// Ends all waits: nothing is written any more.
    pub(crate) fn close(&self) {
        self.lock().rows.clear();
    }

    /// Returns the number of waiting callers.
    pub(crate) fn count(&self) -> usize {
        self.lock().count
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RowWaiter {
    /// Waits until the row is written. Returns false if the database closes before.
    pub(crate) async fn written(&mut self) -> bool {
        self.written.wait_for(|written| *written).await.is_ok()
    }
}

impl Drop for RowWaiter {
    fn drop(&mut self) {
        let mut waiting = self.waiters.lock();
        waiting.count -= 1;
        if let Some(of_client) = waiting.clients.get_mut(&self.client) {
            *of_client -= 1;
            if *of_client == 0 {
                waiting.clients.remove(&self.client);
            }
        }
        // After a wake, later callers may wait for the same row by another channel.
        let is_last =
            |row: &watch::Sender<bool>| row.receiver_count() <= 1 && row.subscribe().same_channel(&self.written);
        if waiting.rows.get(&self.key).is_some_and(is_last) {
            waiting.rows.remove(&self.key);
        }
    }
}
