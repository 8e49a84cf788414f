use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::IpAddr,
};

use chassis::ClientNetwork;

/// The networks of a client, of which its share and its turn are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Networks {
    /// Its share of a line.
    pub(super) narrowest: ClientNetwork,
    /// Its turn, which it shares with the other networks in it: a client may have all of them.
    pub(super) widest: ClientNetwork,
}

impl From<IpAddr> for Networks {
    fn from(client: IpAddr) -> Self {
        let narrowest = ClientNetwork::narrowest(client);
        Self {
            narrowest,
            widest: ClientNetwork::levels(client).next_back().unwrap_or(narrowest),
        }
    }
}

/// The limits on those that wait in one line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct QueueLimits {
    /// From all networks.
    pub(crate) waiting: usize,
    /// From one network.
    pub(crate) per_network: usize,
}

/// The queue, or the share of the client's network, is full.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many are waiting for their password to be checked")]
pub(crate) struct QueueFull;

/// Those that wait, each with a `T`. Networks that send many requests delay and displace their own.
#[derive(Debug)]
pub(super) struct Line<T> {
    limits: QueueLimits,
    waiting: usize,
    /// By the widest network. No group is empty.
    groups: HashMap<ClientNetwork, Group<T>>,
    /// The networks of `groups`, in the order of their turns.
    turns: VecDeque<ClientNetwork>,
}

/// Those of one network that wait.
#[derive(Debug)]
struct Group<T> {
    waiting: usize,
    /// By the narrowest network, in the order of their arrival. No entry is empty.
    networks: HashMap<ClientNetwork, BTreeMap<u64, T>>,
    /// The networks of `networks`, in the order of their turns.
    turns: VecDeque<ClientNetwork>,
}

impl<T> Line<T> {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self {
            limits,
            waiting: 0,
            groups: HashMap::new(),
            turns: VecDeque::new(),
        }
    }

    /// Whether nobody waits, and nothing is left of those that did.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.waiting == 0 && self.groups.is_empty() && self.turns.is_empty()
    }

    /// Adds one that waits. If the line is full, it displaces the newest of the network with the most, which is returned.
    pub(super) fn enter(&mut self, networks: Networks, ticket: u64, entry: T) -> Result<Option<T>, QueueFull> {
        let group = self.groups.get(&networks.widest);
        let own = group.map_or(0, |group| group.len_of(networks.narrowest));
        if own >= self.limits.per_network {
            return Err(QueueFull);
        }
        let displaced = if self.waiting >= self.limits.waiting {
            let (longest, newest) = self.displaced_by(networks).ok_or(QueueFull)?;
            self.leave(longest, newest)
        } else {
            None
        };
        self.waiting += 1;
        let group = self.groups.entry(networks.widest).or_insert_with(Group::new);
        if group.waiting == 0 {
            self.turns.push_back(networks.widest);
        }
        group.enter(networks.narrowest, ticket, entry);
        Ok(displaced)
    }

    /// Returns the networks and the ticket of the one that a client may displace: of a network with more than its own.
    fn displaced_by(&self, own: Networks) -> Option<(Networks, u64)> {
        let (widest, group) = self.groups.iter().max_by_key(|(_, group)| group.waiting)?;
        let (narrowest, waiting) = group.networks.iter().max_by_key(|(_, waiting)| waiting.len())?;
        let has_more = if *widest == own.widest {
            waiting.len() > group.len_of(own.narrowest) + 1
        } else {
            group.waiting > self.groups.get(&own.widest).map_or(0, |group| group.waiting) + 1
        };
        let networks = Networks {
            narrowest: *narrowest,
            widest: *widest,
        };
        let (newest, _) = waiting.last_key_value().filter(|_| has_more)?;
        Some((networks, *newest))
    }

    /// Removes one that waits, if it still does.
    pub(super) fn leave(&mut self, networks: Networks, ticket: u64) -> Option<T> {
        let group = self.groups.get_mut(&networks.widest)?;
        let entry = group.leave(networks.narrowest, ticket)?;
        self.waiting -= 1;
        if group.waiting == 0 {
            self.groups.remove(&networks.widest);
            self.turns.retain(|other| *other != networks.widest);
        }
        Some(entry)
    }

    /// Removes the oldest of the network whose turn it is.
    pub(super) fn next(&mut self) -> Option<T> {
        let widest = self.turns.pop_front()?;
        self.turns.push_back(widest);
        let (narrowest, oldest) = self.groups.get_mut(&widest)?.next()?;
        self.leave(Networks { narrowest, widest }, oldest)
    }
}

impl<T> Group<T> {
    fn new() -> Self {
        Self {
            waiting: 0,
            networks: HashMap::new(),
            turns: VecDeque::new(),
        }
    }

    fn len_of(&self, network: ClientNetwork) -> usize {
        self.networks.get(&network).map_or(0, BTreeMap::len)
    }

    fn enter(&mut self, network: ClientNetwork, ticket: u64, entry: T) {
        self.waiting += 1;
        let waiting = self.networks.entry(network).or_default();
        if waiting.is_empty() {
            self.turns.push_back(network);
        }
        waiting.insert(ticket, entry);
    }

    fn leave(&mut self, network: ClientNetwork, ticket: u64) -> Option<T> {
        let waiting = self.networks.get_mut(&network)?;
        let entry = waiting.remove(&ticket)?;
        self.waiting -= 1;
        if waiting.is_empty() {
            self.networks.remove(&network);
            self.turns.retain(|other| *other != network);
        }
        Some(entry)
    }

    /// Returns the network whose turn it is, and the ticket of its oldest.
    fn next(&mut self) -> Option<(ClientNetwork, u64)> {
        let network = self.turns.pop_front()?;
        self.turns.push_back(network);
        let (oldest, _) = self.networks.get(&network)?.first_key_value()?;
        Some((network, *oldest))
    }
}
