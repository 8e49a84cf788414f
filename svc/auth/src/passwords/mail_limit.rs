use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chassis::ClientNetwork;

use super::counters::Counters;

/// How many mails may be requested.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct MailLimits {
    /// To one email address.
    pub(crate) per_account: u32,
    /// From one network address; wider IPv6 networks have a larger allowance.
    pub(crate) per_address: u32,
    /// The time in which they are counted, from the first one.
    pub(crate) window: Duration,
}

/// There were too many requests for mails. The next one is allowed after this time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many requests for mails")]
pub(crate) struct TooManyMails(pub(crate) Duration);

/// Counts the mails that are requested, in memory: a restart resets them.
#[derive(Clone, Debug)]
pub(crate) struct MailCounts {
    limits: MailLimits,
    /// Secret, so that collisions cannot be chosen.
    random: RandomState,
    counters: Arc<Mutex<Counters>>,
}

impl MailCounts {
    /// Creates empty counts.
    pub(crate) fn new(limits: MailLimits) -> Self {
        Self {
            limits,
            random: RandomState::new(),
            counters: Arc::new(Mutex::new(Counters::new(limits.window))),
        }
    }

    /// Counts a request in all networks of the client. `now` is [`Clock::elapsed`](values::Clock::elapsed).
    pub(crate) fn count_client(&self, client: IpAddr, now: Duration) -> Result<(), TooManyMails> {
        let keys = ClientNetwork::levels(client).map(|network| {
            let allowance = network.allowance(self.limits.per_address);
            (self.random.hash_one(("network", network)), allowance)
        });
        self.count(&keys.collect::<Vec<_>>(), now)
    }

    /// Counts a mail to an address, by its key, whether it has an account or not.
    pub(crate) fn count_address(&self, email_key: &str, now: Duration) -> Result<(), TooManyMails> {
        let key = self.random.hash_one(("address", email_key));
        self.count(&[(key, self.limits.per_account)], now)
    }

    fn count(&self, keys: &[(u64, u32)], now: Duration) -> Result<(), TooManyMails> {
        let mut counters = self.counters();
        let full = keys.iter().filter(|(key, limit)| counters.count(*key, now) >= *limit);
        if let Some(wait) = full.map(|(key, _)| counters.remaining(*key, now)).max() {
            return Err(TooManyMails(wait));
        }
        for (key, _) in keys {
            counters.add(*key, now);
        }
        drop(counters);
        Ok(())
    }

    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_are_counted_by_address_and_by_network_until_the_window_ends() {
        let window = Duration::from_hours(1);
        let counts = MailCounts::new(MailLimits {
            per_account: 2,
            per_address: 3,
            window,
        });
        let at = Duration::from_mins;
        let address = |key, now| counts.count_address(key, now).is_ok();
        assert_eq!([1, 2, 3].map(|minute| address("ada", at(minute))), [true, true, false]);
        assert!(address("bob", at(3)), "another address");
        assert_eq!(counts.count_address("ada", at(31)), Err(TooManyMails(at(30))));
        assert!(address("ada", at(61)));
        let network = |ip: &str| counts.count_client(ip.parse().unwrap(), at(0)).is_ok();
        let from_one = ["192.0.2.1"; 4].map(network);
        assert_eq!(from_one, [true, true, true, false]);
        assert!(network("192.0.2.2"));
        let subnets = (0..20).filter(|subnet| network(&format!("2001:db8:0:{subnet:x}::1")));
        assert_eq!(subnets.count(), 12, "four times as many from a network of 56 bits");
    }
}
