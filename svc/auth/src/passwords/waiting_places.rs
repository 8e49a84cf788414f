use std::{
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::line::{Line, Networks, QueueFull, QueueLimits};

/// Bounds the number of attempts that wait for a reservation. When all places are taken, one more displaces the newest of the
/// network with the most, as in the hash queue.
#[derive(Clone, Debug)]
pub(super) struct WaitingPlaces(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    next_ticket: u64,
    line: Line<oneshot::Sender<Infallible>>,
}

/// A place of one that waits, until it is dropped.
#[derive(Debug)]
pub(super) struct WaitingPlace {
    places: WaitingPlaces,
    networks: Networks,
    ticket: u64,
    displaced: oneshot::Receiver<Infallible>,
}

impl WaitingPlaces {
    pub(super) fn new(limits: QueueLimits) -> Self {
        Self(Arc::new(Mutex::new(State {
            next_ticket: 0,
            line: Line::new(limits),
        })))
    }

    pub(super) fn enter(&self, networks: Networks) -> Result<WaitingPlace, QueueFull> {
        let (sender, displaced) = oneshot::channel();
        let mut state = self.state();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        let other = state.line.enter(networks, ticket, sender)?;
        drop(state);
        drop(other);
        Ok(WaitingPlace {
            places: self.clone(),
            networks,
            ticket,
            displaced,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WaitingPlace {
    /// Waits until the place is given to another one.
    pub(super) async fn displaced(&mut self) -> QueueFull {
        match (&mut self.displaced).await {
            Ok(never) => match never {},
            Err(_) => QueueFull,
        }
    }
}

impl Drop for WaitingPlace {
    fn drop(&mut self) {
        let left = self.places.state().line.leave(self.networks, self.ticket);
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn enter(places: &WaitingPlaces, address: &str) -> Result<WaitingPlace, QueueFull> {
        places.enter(address.parse::<IpAddr>().unwrap().into())
    }

    fn is_displaced(place: &mut WaitingPlace) -> bool {
        place.displaced.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }

    #[test]
    fn two_networks_with_all_places_keep_no_other_out() {
        let places = WaitingPlaces::new(QueueLimits {
            waiting: 8,
            per_network: 4,
        });
        let mut flood = Vec::new();
        for address in ["2001:db8::1", "2001:db8:1::1"] {
            flood.extend((0..4).map(|_| enter(&places, address).unwrap()));
            assert!(enter(&places, address).is_err(), "each has its share");
        }
        let mut venue: Vec<_> = (0..2).map(|_| enter(&places, "192.0.2.1").unwrap()).collect();
        let displaced = flood
            .iter_mut()
            .map(is_displaced)
            .filter(|displaced| *displaced)
            .count();
        assert_eq!(displaced, 2);
        assert!(!venue.iter_mut().any(is_displaced));
        drop((flood, venue));
        assert!(places.state().line.is_empty());
    }

    #[test]
    fn networks_of_one_client_are_one() {
        let places = WaitingPlaces::new(QueueLimits {
            waiting: 4,
            per_network: 2,
        });
        let mut flood: Vec<_> = (0..4)
            .map(|subnet| enter(&places, &format!("2001:db8:0:{subnet}::1")).unwrap())
            .collect();
        let mut other: Vec<_> = (0..2).map(|_| enter(&places, "192.0.2.1").unwrap()).collect();
        assert_eq!(
            flood
                .iter_mut()
                .filter_map(|place| is_displaced(place).then_some(()))
                .count(),
            2
        );
        assert!(
            enter(&places, "2001:db8:0:9::1").is_err(),
            "it has as many as the other"
        );
        assert!(!other.iter_mut().any(is_displaced));
    }
}
