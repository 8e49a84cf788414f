use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chassis::ClientNetwork;

use super::fair_queue::{QueueFull, QueueLimits};

/// Bounds the number of attempts that wait for a reservation.
#[derive(Clone, Debug)]
pub(super) struct WaitingPlaces {
    limits: QueueLimits,
    /// The number of those that wait, by network. No entry is zero.
    networks: Arc<Mutex<HashMap<ClientNetwork, usize>>>,
}

/// A place of one that waits, until it is dropped.
#[derive(Debug)]
pub(super) struct WaitingPlace {
    places: WaitingPlaces,
    network: ClientNetwork,
}

impl WaitingPlaces {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self {
            limits,
            networks: Arc::default(),
        }
    }

    pub(super) fn enter(&self, network: ClientNetwork) -> Result<WaitingPlace, QueueFull> {
        let mut networks = self.networks();
        let own = networks.get(&network).copied().unwrap_or_default();
        if own >= self.limits.per_network || networks.values().sum::<usize>() >= self.limits.waiting {
            return Err(QueueFull);
        }
        networks.insert(network, own + 1);
        drop(networks);
        Ok(WaitingPlace {
            places: self.clone(),
            network,
        })
    }

    fn networks(&self) -> MutexGuard<'_, HashMap<ClientNetwork, usize>> {
        self.networks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for WaitingPlace {
    fn drop(&mut self) {
        let mut networks = self.places.networks();
        if let Some(waiting) = networks.get_mut(&self.network) {
            *waiting -= 1;
            if *waiting == 0 {
                networks.remove(&self.network);
            }
        }
    }
}
