use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{activity::Activity, limits::ServerLimits, metrics::ConnectionMetrics};

/// How often at most connections are searched for those that can be closed.
const EVICTION_INTERVAL: Duration = Duration::from_millis(100);

/// The open connections of a server.
#[derive(Clone)]
pub(super) struct Connections {
    state: Arc<Mutex<State>>,
    maximum: usize,
    reserved: usize,
    evictable: Duration,
    reserved_time: Duration,
    metrics: ConnectionMetrics,
}

#[derive(Default)]
struct State {
    next_id: u64,
    full: BTreeMap<u64, Arc<Activity>>,
    /// Those in reserved places, with the times at which they were opened.
    limited: BTreeMap<u64, (Instant, Arc<Activity>)>,
    last_eviction: Option<Instant>,
}

/// An open connection, counted until it is dropped.
pub(super) struct OpenConnection {
    id: u64,
    connections: Connections,
    pub(super) activity: Arc<Activity>,
    /// Beyond the maximum: serves health and metrics only.
    pub(super) is_limited: bool,
}

impl Connections {
    pub(super) fn new(limits: &ServerLimits, metrics: ConnectionMetrics) -> Self {
        Self {
            state: Arc::default(),
            maximum: limits.connections,
            reserved: limits.reserved_connections,
            evictable: limits.evictable,
            reserved_time: limits.reserved,
            metrics,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection. At the maximum it takes the place of one that waits for its client, else one of the reserved
    /// places. Returns `None` if there is none.
    pub(super) fn open(&self) -> Option<OpenConnection> {
        let mut state = self.state();
        if state.full.len() >= self.maximum {
            state.evict_waiting(self.maximum, self.evictable);
        }
        let is_limited = state.full.len() >= self.maximum;
        if is_limited && state.limited.len() >= self.reserved {
            state.evict_limited(self.reserved_time);
        }
        if is_limited && state.limited.len() >= self.reserved {
            drop(state);
            self.metrics.refused("dropped");
            return None;
        }
        let (id, activity) = (state.next_id, Arc::new(Activity::new()));
        state.next_id += 1;
        if is_limited {
            state.limited.insert(id, (Instant::now(), Arc::clone(&activity)));
        } else {
            state.full.insert(id, Arc::clone(&activity));
        }
        drop(state);
        if is_limited {
            self.metrics.refused("limited");
        }
        self.metrics.open.inc();
        Some(OpenConnection {
            id,
            connections: self.clone(),
            activity,
            is_limited,
        })
    }

    /// Closes some of the connections that wait for their clients.
    pub(super) fn evict_waiting(&self) {
        self.state().evict_waiting(self.maximum, self.evictable);
    }

    /// Returns the number of open connections.
    pub(super) fn count(&self) -> usize {
        let state = self.state();
        state.full.len() + state.limited.len()
    }
}

impl State {
    /// Closes those that have waited longest for their clients, a fraction at a time: the search takes longer the more
    /// connections there are.
    fn evict_waiting(&mut self, maximum: usize, evictable: Duration) {
        let now = Instant::now();
        if self.last_eviction.is_some_and(|last| now < last + EVICTION_INTERVAL) {
            return;
        }
        self.last_eviction = Some(now);
        let mut waiting: Vec<_> = self
            .full
            .iter()
            .filter_map(|(id, activity)| Some((activity.waits_since()?, *id)))
            .filter(|(since, _)| *since + evictable <= now)
            .collect();
        waiting.sort_unstable();
        let mut count = (maximum / 16).max(1);
        for (since, id) in waiting {
            if self
                .full
                .get(&id)
                .is_some_and(|activity| activity.evict_if_waiting_since(since))
            {
                self.full.remove(&id);
                count -= 1;
            }
            if count == 0 {
                break;
            }
        }
    }

    /// Closes the limited connection that has waited longest for its client; if none waits, the oldest one that is older than
    /// this. So a client that does not accept its response cannot keep the place.
    fn evict_limited(&mut self, age: Duration) {
        let mut waiting: Vec<_> = self
            .limited
            .iter()
            .filter_map(|(id, (_, activity))| Some((activity.waits_since()?, *id)))
            .collect();
        waiting.sort_unstable();
        let waiting = waiting.into_iter().find(|(since, id)| {
            self.limited
                .get(id)
                .is_some_and(|(_, activity)| activity.evict_if_waiting_since(*since))
        });
        if let Some((_, id)) = waiting {
            self.limited.remove(&id);
        } else if let Some(oldest) = self.limited.first_entry()
            && oldest.get().0.elapsed() >= age
        {
            let (_, activity) = oldest.remove();
            activity.evict();
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let mut state = self.connections.state();
        state.full.remove(&self.id);
        state.limited.remove(&self.id);
        drop(state);
        self.connections.metrics.open.dec();
    }
}
