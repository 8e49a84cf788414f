use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chassis::ClientNetwork;

/// What a limited number of clients can use at the same time: in all, and of each network.
pub(crate) struct Slots {
    max: u32,
    /// The maximum of the narrowest network of a client.
    max_of_network: u32,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    all: u32,
    networks: HashMap<ClientNetwork, u32>,
}

/// One of the slots, until it is dropped.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    client: IpAddr,
}

impl Slots {
    pub(super) fn new(max: u32, max_of_network: u32) -> Arc<Self> {
        Arc::new(Self {
            max,
            max_of_network,
            counts: Mutex::default(),
        })
    }

    /// Returns a slot for a client; `None` if all are taken, or all of its network.
    pub(crate) fn take(self: &Arc<Self>, client: IpAddr) -> Option<Slot> {
        let mut counts = self.counts();
        let is_full = |network: &ClientNetwork| {
            let count = counts.networks.get(network).copied().unwrap_or_default();
            count >= network.allowance(self.max_of_network)
        };
        if counts.all >= self.max || ClientNetwork::levels(client).any(|network| is_full(&network)) {
            return None;
        }
        counts.all += 1;
        for network in ClientNetwork::levels(client) {
            *counts.networks.entry(network).or_default() += 1;
        }
        drop(counts);
        Some(Slot {
            slots: Arc::clone(self),
            client,
        })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.slots.counts();
        counts.all -= 1;
        for network in ClientNetwork::levels(self.client) {
            if let Some(count) = counts.networks.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    counts.networks.remove(&network);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_limited_in_all_and_for_each_network_until_they_are_dropped() {
        let slots = Slots::new(3, 1);
        let take = |client: &str| slots.take(client.parse().unwrap());
        let first = take("192.0.2.1").unwrap();
        assert!(take("192.0.2.1").is_none());
        assert!(take("::ffff:192.0.2.1").is_none());
        let second = take("2001:db8::1").unwrap();
        assert!(take("2001:db8::2").is_none(), "the same network");
        let third = take("2001:db8:0:1::1").unwrap();
        assert!(take("192.0.2.2").is_none(), "all are taken");
        drop(first);
        let fourth = take("192.0.2.1").unwrap();
        drop((second, third, fourth));
        let counts = slots.counts();
        assert!(counts.all == 0 && counts.networks.is_empty());
    }
}
