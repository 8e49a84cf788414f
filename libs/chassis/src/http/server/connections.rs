use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use super::{
    activity::Activity,
    held_response::{HeldResponse, HeldTotal},
    limits::{SLOW_READER, ServerLimits},
    metrics::ConnectionMetrics,
};

/// How often at most connections are searched for those that can be closed.
const EVICTION_INTERVAL: Duration = Duration::from_millis(100);

/// How often the connections are searched for a free place.
const PLACE_INTERVAL: Duration = Duration::from_millis(20);

/// How long a connection beyond the maximum has to send its request, before another one may take its place.
const FIRST_REQUEST: Duration = Duration::from_millis(250);

/// The open connections of a server.
#[derive(Clone)]
pub(super) struct Connections {
    state: Arc<Mutex<State>>,
    maximum: usize,
    reserved: usize,
    evictable: Duration,
    reserved_time: Duration,
    /// Notified when a connection has ended.
    closed: Arc<Notify>,
    held: HeldTotal,
    held_maximum: usize,
    /// Locked by a search for slow readers: concurrent ones would close more connections than needed.
    reader_eviction: Arc<Mutex<()>>,
    share: usize,
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
            closed: Arc::default(),
            held: HeldTotal(metrics.held_response_bytes.clone()),
            held_maximum: limits.held_response_bytes,
            reader_eviction: Arc::default(),
            share: limits.response_share_bytes,
            metrics,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a connection. At the maximum it takes the place of one that waits for its client, else one of the reserved
    /// places. Returns `None` if there is none at the moment: [`Self::place_freed`] waits for one.
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

    /// Waits until a place may be free: a connection has ended, or may be closed for another one.
    pub(super) async fn place_freed(&self) {
        let _ = timeout(PLACE_INTERVAL, self.closed.notified()).await;
    }

    /// Counts a connection that was closed unserved.
    pub(super) fn drop_unserved(&self) {
        self.metrics.refused("dropped");
    }

    /// Closes some of the connections that wait for their clients.
    pub(super) fn evict_waiting(&self) {
        self.state().evict_waiting(self.maximum, self.evictable);
    }

    /// Holds the bytes of a response. If the clients of this server have too many bytes to accept, the slowest are closed. If
    /// that is not enough, returns `None`, unless the client needs the response.
    pub(super) fn hold(&self, activity: &Arc<Activity>, bytes: usize, is_needed: bool) -> Option<HeldResponse> {
        let held = HeldResponse::new(&self.held, activity, bytes);
        if bytes == 0 || self.excess() == 0 {
            return Some(held);
        }
        let eviction = self.reader_eviction.lock().unwrap_or_else(PoisonError::into_inner);
        // Another search may have made room.
        let excess = self.excess();
        let has_room = excess == 0 || self.evict_readers(excess) >= excess;
        // A refused response is released before the next search counts the bytes.
        let held = (has_room || is_needed).then_some(held);
        drop(eviction);
        held
    }

    /// Returns the number of bytes of responses beyond the maximum.
    fn excess(&self) -> usize {
        self.held.bytes().saturating_sub(self.held_maximum)
    }

    /// Closes the connections that have accepted nothing for the longest time, until so many bytes are free. Returns how many
    /// were freed.
    fn evict_readers(&self, excess: usize) -> usize {
        let (state, now) = (self.state(), Instant::now());
        let full = state.full.values();
        let all = full.chain(state.limited.values().map(|(_, activity)| activity));
        let mut readers: Vec<_> = all
            .filter_map(|activity| {
                activity
                    .held()
                    .map(|(bytes, since)| (since, bytes, Arc::clone(activity)))
            })
            .collect();
        drop(state);
        readers.sort_unstable_by_key(|(since, ..)| *since);
        let mut freed = 0;
        let stalled = readers.iter().take_while(|(since, ..)| *since + SLOW_READER <= now);
        for (_, _, activity) in stalled {
            if freed >= excess {
                break;
            }
            freed += self.write_off(activity);
        }
        // All others accept something: the one with the most is the slowest in proportion.
        let most = readers.iter().max_by_key(|(_, bytes, _)| *bytes);
        if let Some((_, _, activity)) = most.filter(|(_, bytes, _)| freed < excess && *bytes > self.share) {
            freed += self.write_off(activity);
        }
        freed
    }

    fn write_off(&self, activity: &Activity) -> usize {
        let bytes = activity.write_off();
        self.held.subtract(bytes);
        bytes
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
        let waiting = longest_waiting(self.full.iter().map(|(id, activity)| (*id, activity)));
        let evicted: Vec<_> = waiting
            .into_iter()
            .take_while(|waiting| waiting.since + evictable <= now)
            .filter(Waiting::evict)
            .take((maximum / 16).max(1))
            .map(|waiting| waiting.id)
            .collect();
        for id in evicted {
            self.full.remove(&id);
        }
    }

    /// Closes a limited connection: the one that has its response for the longest time; else the one that has waited longest
    /// for its client, unless its request may be on its way; else the oldest one that is older than this. So a client that
    /// does not accept its response cannot keep the place.
    fn evict_limited(&mut self, age: Duration) {
        let now = Instant::now();
        let waiting = longest_waiting(self.limited.iter().map(|(id, (_, activity))| (*id, activity)));
        let (served, unserved): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|waiting| waiting.activity.is_lingering());
        let late = unserved
            .into_iter()
            .filter(|waiting| waiting.since + FIRST_REQUEST <= now);
        let evicted = served
            .into_iter()
            .chain(late)
            .find(Waiting::evict)
            .map(|waiting| waiting.id);
        if let Some(id) = evicted {
            self.limited.remove(&id);
        } else if let Some(oldest) = self.limited.first_entry()
            && oldest.get().0.elapsed() >= age
        {
            let (_, activity) = oldest.remove();
            activity.evict();
        }
    }
}

/// A connection that waits for its client.
struct Waiting<'a> {
    since: Instant,
    id: u64,
    activity: &'a Activity,
}

impl Waiting<'_> {
    /// Evicts the connection, unless it does something by now. Returns whether it is evicted.
    fn evict(&self) -> bool {
        self.activity.evict_if_waiting_since(self.since)
    }
}

/// Returns those of the connections that wait for their clients, the one that has waited longest first.
fn longest_waiting<'a>(connections: impl Iterator<Item = (u64, &'a Arc<Activity>)>) -> Vec<Waiting<'a>> {
    let mut waiting: Vec<_> = connections
        .filter_map(|(id, activity)| {
            let since = activity.waits_since()?;
            Some(Waiting { since, id, activity })
        })
        .collect();
    waiting.sort_unstable_by_key(|waiting| (waiting.since, waiting.id));
    waiting
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let mut state = self.connections.state();
        state.full.remove(&self.id);
        state.limited.remove(&self.id);
        drop(state);
        self.connections.closed.notify_one();
        self.connections.metrics.open.dec();
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use super::*;

    #[test]
    fn concurrent_responses_close_no_more_slow_readers_than_they_need() {
        const READERS: usize = 8;
        for _ in 0..200 {
            let limits = ServerLimits {
                held_response_bytes: READERS * 100,
                response_share_bytes: 50,
                ..ServerLimits::default()
            };
            let connections = Connections::new(&limits, ConnectionMetrics::default());
            let open = || connections.open().unwrap();
            let readers: Vec<_> = (0..READERS).map(|_| open()).collect();
            let fill = |reader: &OpenConnection| connections.hold(&reader.activity, 100, false).unwrap();
            let _held: Vec<_> = readers.iter().map(fill).collect();
            let (others, start) = (
                readers.iter().map(|_| open()).collect::<Vec<_>>(),
                Barrier::new(READERS),
            );
            let hold = |other: &OpenConnection| {
                start.wait();
                connections.hold(&other.activity, 1, false)
            };
            let accepted = thread::scope(|scope| {
                let threads: Vec<_> = others.iter().map(|other| scope.spawn(|| hold(other))).collect();
                let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join().unwrap();
                threads.into_iter().filter_map(join).count()
            });
            let closed = readers.iter().filter(|reader| reader.activity.evicted.is_cancelled());
            assert_eq!((closed.count(), accepted), (1, READERS));
        }
    }
}
