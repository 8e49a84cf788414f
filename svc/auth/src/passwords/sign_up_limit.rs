use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chassis::ClientNetwork;

use super::counters::Counters;

/// How many sign-ups are allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SignUpLimits {
    /// From one network address; wider IPv6 networks have a larger allowance.
    pub(crate) per_address: u32,
    /// The time in which they are counted, from the first one.
    pub(crate) window: Duration,
}

/// There were too many sign-ups from the network. The next one is allowed after this time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many sign-ups from this network")]
pub(crate) struct TooManySignUps(pub(crate) Duration);

/// Counts sign-ups by network, in memory: a restart resets them.
#[derive(Clone, Debug)]
pub(crate) struct SignUpCounts {
    limits: SignUpLimits,
    /// Secret, so that collisions cannot be chosen.
    random: RandomState,
    counters: Arc<Mutex<Counters>>,
}

/// A sign-up that was counted. It is given back when it is dropped, unless its password was hashed.
#[derive(Debug)]
pub(super) struct CountedSignUp {
    counters: Arc<Mutex<Counters>>,
    keys: Vec<u64>,
}

impl SignUpCounts {
    /// Creates empty counts.
    pub(crate) fn new(limits: SignUpLimits) -> Self {
        Self {
            limits,
            random: RandomState::new(),
            counters: Arc::new(Mutex::new(Counters::new(limits.window))),
        }
    }

    /// Counts a sign-up in all networks of the client. `now` is [`Clock::elapsed`](values::Clock::elapsed).
    pub(super) fn count(&self, client: IpAddr, now: Duration) -> Result<CountedSignUp, TooManySignUps> {
        let mut counters = lock(&self.counters);
        let mut keys = Vec::new();
        let mut wait = None;
        for network in ClientNetwork::levels(client) {
            let key = self.random.hash_one(network);
            if counters.count(key, now) >= network.allowance(self.limits.per_address) {
                wait = wait.max(Some(counters.remaining(key, now)));
            }
            keys.push(key);
        }
        if let Some(wait) = wait {
            return Err(TooManySignUps(wait));
        }
        for key in &keys {
            counters.add(*key, now);
        }
        drop(counters);
        Ok(CountedSignUp {
            counters: Arc::clone(&self.counters),
            keys,
        })
    }
}

impl CountedSignUp {
    /// Keeps the count.
    pub(super) fn keep(mut self) {
        self.keys.clear();
    }
}

impl Drop for CountedSignUp {
    fn drop(&mut self) {
        let mut counters = lock(&self.counters);
        for key in &self.keys {
            counters.subtract(*key);
        }
    }
}

fn lock(counters: &Mutex<Counters>) -> MutexGuard<'_, Counters> {
    counters.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_mins(1);

    fn counts() -> SignUpCounts {
        SignUpCounts::new(SignUpLimits {
            per_address: 2,
            window: Duration::from_hours(1),
        })
    }

    /// How many sign-ups are allowed one after the other.
    fn allowed(counts: &SignUpCounts, clients: impl Iterator<Item = String>) -> usize {
        clients
            .take_while(|client| {
                let counted = counts.count(client.parse().unwrap(), NOW);
                counted.map(CountedSignUp::keep).is_ok()
            })
            .count()
    }

    #[test]
    fn sign_ups_are_counted_by_address_and_by_three_networks_of_ipv6() {
        let counts = counts();
        assert_eq!(allowed(&counts, (0..9).map(|_| "192.0.2.1".to_owned())), 2);
        assert_eq!(allowed(&counts, (0..9).map(|_| "::ffff:192.0.2.2".to_owned())), 2);
        let one_network = (0..9).map(|last| format!("2001:db8:1::{last}"));
        assert_eq!(allowed(&counts, one_network), 2);
        let one_house = (0..99).map(|subnet| format!("2001:db8:2:{subnet:x}::1"));
        assert_eq!(allowed(&counts, one_house), 8);
        let one_company = (0..999).map(|house| format!("2001:db8:3:{:x}::1", house << 8));
        assert_eq!(allowed(&counts, one_company), 32);
        assert_eq!(
            counts
                .count("192.0.2.1".parse().unwrap(), NOW + Duration::from_mins(20))
                .err(),
            Some(TooManySignUps(Duration::from_mins(40)))
        );
        counts
            .count("192.0.2.1".parse().unwrap(), NOW + Duration::from_hours(1))
            .unwrap()
            .keep();
    }

    #[test]
    fn a_sign_up_whose_password_was_not_hashed_does_not_count() {
        let counts = counts();
        for _ in 0..9 {
            drop(counts.count("2001:db8::1".parse().unwrap(), NOW).unwrap());
        }
        assert!(lock(&counts.counters).is_empty());
    }
}
