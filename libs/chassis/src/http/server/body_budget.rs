use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::Waker,
    time::Duration,
};

use tokio::time::Instant;

use crate::ClientNetwork;

/// The part of the budget that a network of the narrowest level may always use. Wider ones may use more.
const NETWORK_PART: usize = 8;

/// The part of the budget that everybody may use, whatever its network has already.
const COMMON_PART: usize = 2;

/// The bytes of request bodies that a server holds: those that handlers have read, and those that may wait in the buffers of
/// HTTP/2.
///
/// One half is for everybody. Of the other half, a connection and the networks of a client may use a share each, so that
/// others find room. Where there is none, the body that has been on its way for the longest time is given up.
#[derive(Clone)]
pub(super) struct BodyBudget {
    limit: usize,
    /// The number of bytes of one connection.
    share: usize,
    /// How long a body must have been on its way to be given up in favour of another one.
    slow: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    total: usize,
    networks: HashMap<ClientNetwork, Network>,
    /// Bodies that are on their way, by the time since when they are.
    slow: BTreeMap<(Instant, u64), Arc<Holder>>,
    next_id: u64,
}

#[derive(Default)]
struct Network {
    bytes: usize,
    /// Like [`State::slow`]; only in the narrowest network of each client.
    slow: BTreeMap<(Instant, u64), Arc<Holder>>,
}

/// One request.
struct Holder {
    client: IpAddr,
    connection: Arc<AtomicUsize>,
    bytes: AtomicUsize,
    is_given_up: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

/// The bytes of one request, given back when the last clone is dropped.
#[derive(Clone)]
pub(super) struct HeldBytes(Arc<Held>);

struct Held {
    budget: BodyBudget,
    holder: Arc<Holder>,
}

/// A body that is on its way, until it has arrived.
pub(super) struct Arriving {
    held: HeldBytes,
    key: (Instant, u64),
}

/// What has no room for more bytes.
enum Full {
    Connection,
    Network,
    All,
}

impl BodyBudget {
    pub(super) fn new(limit: usize, share: usize, slow: Duration) -> Self {
        Self {
            limit,
            share,
            slow,
            state: Arc::default(),
        }
    }

    /// Starts a request, which holds nothing yet. `connection` counts the bytes of its connection.
    pub(super) fn request(&self, client: IpAddr, connection: &Arc<AtomicUsize>) -> HeldBytes {
        HeldBytes(Arc::new(Held {
            budget: self.clone(),
            holder: Arc::new(Holder {
                client,
                connection: Arc::clone(connection),
                bytes: AtomicUsize::new(0),
                is_given_up: AtomicBool::new(false),
                waker: Mutex::default(),
            }),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what has no room for so many bytes more.
    fn full(&self, state: &State, holder: &Holder, bytes: usize) -> Option<Full> {
        if holder.connection.load(Ordering::Relaxed) + bytes > self.share {
            return Some(Full::Connection);
        }
        if state.total + bytes > self.limit {
            return Some(Full::All);
        }
        if state.total + bytes <= self.limit / COMMON_PART {
            return None;
        }
        let share = u32::try_from(self.limit / NETWORK_PART).unwrap_or(u32::MAX);
        let is_full = |network: ClientNetwork| {
            let held = state.networks.get(&network).map_or(0, |network| network.bytes);
            let share = usize::try_from(network.allowance(share)).unwrap_or(usize::MAX);
            held + bytes > share.min(self.limit / COMMON_PART)
        };
        ClientNetwork::levels(holder.client)
            .any(is_full)
            .then_some(Full::Network)
    }
}

impl State {
    fn add(&mut self, holder: &Holder, bytes: usize) {
        self.total += bytes;
        holder.connection.fetch_add(bytes, Ordering::Relaxed);
        holder.bytes.fetch_add(bytes, Ordering::Relaxed);
        for network in ClientNetwork::levels(holder.client) {
            self.networks.entry(network).or_default().bytes += bytes;
        }
    }

    /// Takes bytes back, at most those that the request holds.
    fn remove(&mut self, holder: &Holder, bytes: usize) {
        let bytes = bytes.min(holder.bytes.load(Ordering::Relaxed));
        self.total -= bytes;
        holder.connection.fetch_sub(bytes, Ordering::Relaxed);
        holder.bytes.fetch_sub(bytes, Ordering::Relaxed);
        for network in ClientNetwork::levels(holder.client) {
            self.change(network, |network| network.bytes -= bytes);
        }
    }

    fn change(&mut self, network: ClientNetwork, change: impl FnOnce(&mut Network)) {
        if let Some(entry) = self.networks.get_mut(&network) {
            change(entry);
            if entry.bytes == 0 && entry.slow.is_empty() {
                self.networks.remove(&network);
            }
        }
    }

    fn arrived(&mut self, holder: &Holder, key: (Instant, u64)) {
        self.slow.remove(&key);
        let narrowest = ClientNetwork::narrowest(holder.client);
        self.change(narrowest, |network| drop(network.slow.remove(&key)));
    }

    /// Gives up the body that has been on its way for the longest time, of this network or of all. Returns whether there was
    /// a slow one.
    fn give_up_slowest(&mut self, network: Option<ClientNetwork>, age: Duration) -> bool {
        let slow = match network {
            Some(network) => self.networks.get(&network).map(|network| &network.slow),
            None => Some(&self.slow),
        };
        let slowest = slow.and_then(BTreeMap::first_key_value);
        let Some((key, holder)) = slowest.filter(|((since, _), _)| since.elapsed() >= age) else {
            return false;
        };
        let (key, holder) = (*key, Arc::clone(holder));
        self.arrived(&holder, key);
        self.remove(&holder, usize::MAX);
        holder.is_given_up.store(true, Ordering::Relaxed);
        let waker = holder.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

impl HeldBytes {
    /// Holds more bytes. Returns whether there is room for them.
    pub(super) fn hold(&self, bytes: usize) -> bool {
        let Held { budget, holder } = &*self.0;
        let mut state = budget.state();
        if self.is_given_up() {
            return false;
        }
        loop {
            let made_room = match budget.full(&state, holder, bytes) {
                None => {
                    state.add(holder, bytes);
                    return true;
                }
                Some(Full::Connection) => false,
                // The wider levels have no order of their own.
                Some(Full::Network) => {
                    state.give_up_slowest(Some(ClientNetwork::narrowest(holder.client)), budget.slow)
                }
                Some(Full::All) => state.give_up_slowest(None, budget.slow),
            };
            // The slowest may have been this one.
            if !made_room || self.is_given_up() {
                return false;
            }
        }
    }

    /// Gives bytes back before the end of the request.
    pub(super) fn release(&self, bytes: usize) {
        let Held { budget, holder } = &*self.0;
        budget.state().remove(holder, bytes);
    }

    /// The body is on its way: it may be given up in favour of others.
    pub(super) fn arriving(&self) -> Arriving {
        let Held { budget, holder } = &*self.0;
        let mut state = budget.state();
        let key = (Instant::now(), state.next_id);
        state.next_id += 1;
        state.slow.insert(key, Arc::clone(holder));
        let network = state.networks.entry(ClientNetwork::narrowest(holder.client));
        network.or_default().slow.insert(key, Arc::clone(holder));
        Arriving {
            held: self.clone(),
            key,
        }
    }

    /// Whether the body was given up in favour of another one.
    pub(super) fn is_given_up(&self) -> bool {
        self.0.holder.is_given_up.load(Ordering::Relaxed)
    }
}

impl Arriving {
    /// Whether the body was given up. Wakes the task if it is later.
    pub(super) fn is_given_up(&self, waker: &Waker) -> bool {
        let mut registered = self.held.0.holder.waker.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *registered {
            Some(known) => known.clone_from(waker),
            None => *registered = Some(waker.clone()),
        }
        drop(registered);
        self.held.is_given_up()
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        let Held { budget, holder } = &*self.held.0;
        budget.state().arrived(holder, self.key);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Most requests have no body: they do not lock what all requests share.
        if self.holder.bytes.load(Ordering::Relaxed) > 0 {
            self.budget.state().remove(&self.holder, usize::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 16_000;

    /// No body is slow, or every one.
    fn budget(slow: Duration) -> BodyBudget {
        BodyBudget::new(LIMIT, 1000, slow)
    }

    fn request(budget: &BodyBudget, client: &str) -> HeldBytes {
        budget.request(client.parse().unwrap(), &Arc::default())
    }

    /// Holds bodies of 500 bytes until there is no room.
    fn fill(budget: &BodyBudget, clients: impl Iterator<Item = String>) -> Vec<HeldBytes> {
        let held = clients.map(|client| {
            let held = request(budget, &client);
            held.hold(500).then_some(held)
        });
        held.map_while(|held| held).take(1000).collect()
    }

    #[test]
    fn one_network_cannot_hold_what_others_need() {
        for (attacker, neighbour, bodies) in [("192.0.2.1", "192.0.2.2", 16), ("2001:db8::1", "2001:db8:1::1", 16)] {
            let budget = budget(Duration::MAX);
            let held = fill(&budget, std::iter::repeat(attacker.to_owned()));
            assert_eq!(held.len(), bodies, "{attacker}");
            assert!(request(&budget, neighbour).hold(500));
            drop(held);
            assert!(budget.state().networks.is_empty());
            assert_eq!(budget.state().total, 0);
        }
    }

    #[test]
    fn many_addresses_of_one_house_are_one_client() {
        let budget = budget(Duration::MAX);
        let held = fill(&budget, (0..).map(|subnet: u16| format!("2001:db8:0:{subnet:x}::1")));
        assert_eq!(held.len(), 16);
        assert!(request(&budget, "192.0.2.1").hold(500));
    }

    #[test]
    fn a_connection_holds_its_share_at_most() {
        let (budget, connection) = (budget(Duration::MAX), Arc::default());
        let held: Vec<_> = (0..2)
            .map(|_| budget.request("192.0.2.1".parse().unwrap(), &connection))
            .collect();
        assert!(held[0].hold(500) && held[1].hold(500) && !held[1].hold(1));
        assert!(request(&budget, "192.0.2.1").hold(500));
    }

    #[test]
    fn the_slowest_body_is_given_up_in_favour_of_a_new_one() {
        let budget = budget(Duration::MAX);
        let slow = fill(&budget, std::iter::repeat("192.0.2.1".to_owned()));
        let arriving: Vec<_> = slow.iter().map(HeldBytes::arriving).collect();
        let new = request(&budget, "192.0.2.1");
        assert!(!new.hold(500), "all of them have just begun");
        let mut budget = budget;
        budget.slow = Duration::ZERO;
        let new = request(&budget, "192.0.2.1");
        assert!(new.hold(500));
        let given_up: Vec<_> = arriving
            .iter()
            .map(|arriving| arriving.is_given_up(Waker::noop()))
            .collect();
        assert_eq!(given_up.iter().filter(|given_up| **given_up).count(), 1);
        assert!(given_up[0], "the first one is the slowest");
        assert!(!slow[0].hold(1));
        drop((slow, arriving, new));
        let state = budget.state();
        assert!(state.networks.is_empty() && state.slow.is_empty() && state.total == 0);
    }

    #[test]
    fn a_full_server_gives_up_the_slowest_of_all() {
        let budget = budget(Duration::MAX);
        let held = fill(&budget, (1..).map(|host: u8| format!("192.0.2.{host}")));
        assert_eq!(held.len(), LIMIT / 500);
        let arriving = held[7].arriving();
        let mut budget = budget;
        budget.slow = Duration::ZERO;
        assert!(request(&budget, "198.51.100.1").hold(500));
        assert!(arriving.is_given_up(Waker::noop()));
        assert!(!request(&budget, "198.51.100.1").hold(1000), "nobody else is slow");
    }
}
