use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use values::Timestamp;

/// The number of accounts, and of addresses, whose failures are counted; 3 MiB in all.
const MAX_ENTRIES: usize = 50_000;

/// The limits on failed attempts to sign in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SignInLimits {
    /// For an account, whether it exists or not.
    pub(crate) per_account: u32,
    /// For a network address (IPv6: a network of 64 bits).
    pub(crate) per_address: u32,
    /// The time in which failures are counted, from the first one.
    pub(crate) window: Duration,
}

/// Counts failed attempts to sign in, in memory: a restart resets them.
#[derive(Clone, Debug)]
pub(crate) struct SignInAttempts {
    limits: SignInLimits,
    /// Secret, so that collisions cannot be chosen.
    random: RandomState,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    accounts: HashMap<u64, Failures>,
    addresses: HashMap<u64, Failures>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    since: Timestamp,
}

/// An attempt to sign in: hashes of the account and the network address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Attempt {
    account: u64,
    address: u64,
}

/// There were too many failures. The next attempt is allowed after this time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many failed attempts to sign in")]
pub(crate) struct TooManyFailures(pub(crate) Duration);

impl SignInAttempts {
    /// Creates empty counts.
    pub(crate) fn new(limits: SignInLimits) -> Self {
        Self {
            limits,
            random: RandomState::new(),
            counts: Arc::default(),
        }
    }

    /// Describes an attempt to sign in to an account, by the key of its email address, from a network address.
    pub(crate) fn attempt(&self, account_key: &str, client: IpAddr) -> Attempt {
        let network = match client.to_canonical() {
            IpAddr::V4(address) => u64::from(address.to_bits()),
            // A client with one IPv6 address usually has a network of them.
            IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or_default(),
        };
        Attempt {
            account: self.random.hash_one(account_key),
            address: self.random.hash_one((client.is_ipv6(), network)),
        }
    }

    /// Checks whether the attempt is allowed.
    pub(crate) fn check(&self, attempt: Attempt, now: Timestamp) -> Result<(), TooManyFailures> {
        let counts = self.counts();
        let account = self.remaining_wait(counts.accounts.get(&attempt.account), self.limits.per_account, now);
        let address = self.remaining_wait(counts.addresses.get(&attempt.address), self.limits.per_address, now);
        account.max(address).map_or(Ok(()), |wait| Err(TooManyFailures(wait)))
    }

    /// Counts a failed attempt.
    pub(crate) fn record_failure(&self, attempt: Attempt, now: Timestamp) {
        let mut counts = self.counts();
        let window = self.limits.window;
        count(&mut counts.accounts, attempt.account, window, now);
        count(&mut counts.addresses, attempt.address, window, now);
    }

    /// Resets the count of the account. That of the address stays: else an attacker could reset it with an own account.
    pub(crate) fn record_success(&self, attempt: Attempt) {
        self.counts().accounts.remove(&attempt.account);
    }

    fn remaining_wait(&self, failures: Option<&Failures>, limit: u32, now: Timestamp) -> Option<Duration> {
        let failures = failures.filter(|failures| failures.count >= limit)?;
        let wait = now.until(failures.since + self.limits.window);
        (wait > Duration::ZERO).then_some(wait)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(failures: &mut HashMap<u64, Failures>, key: u64, window: Duration, now: Timestamp) {
    if failures.len() >= MAX_ENTRIES && !failures.contains_key(&key) {
        make_room(failures, window, now);
    }
    let entry = failures.entry(key).or_insert(Failures { count: 0, since: now });
    if entry.since + window <= now {
        *entry = Failures { count: 0, since: now };
    }
    entry.count = entry.count.saturating_add(1);
}

/// Removes expired entries; if there are none, the oldest tenth, so that this is seldom needed.
fn make_room(failures: &mut HashMap<u64, Failures>, window: Duration, now: Timestamp) {
    failures.retain(|_, entry| entry.since + window > now);
    if failures.len() >= MAX_ENTRIES {
        let mut times = failures.values().map(|entry| entry.since).collect::<Vec<_>>();
        let (_, old, _) = times.select_nth_unstable(MAX_ENTRIES / 10);
        let oldest_kept = *old;
        failures.retain(|_, entry| entry.since > oldest_kept);
    }
    failures.shrink_to(MAX_ENTRIES);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const MINUTES_15: Duration = Duration::from_mins(15);

    fn attempts() -> SignInAttempts {
        SignInAttempts::new(SignInLimits {
            per_account: 3,
            per_address: 5,
            window: MINUTES_15,
        })
    }

    fn home() -> IpAddr {
        "192.0.2.1".parse().unwrap()
    }

    #[test]
    fn an_account_is_blocked_until_fifteen_minutes_after_its_first_failure() {
        let attempts = attempts();
        let ada = attempts.attempt("ada", home());
        for minute in 0..3 {
            let now = NOW + Duration::from_mins(minute);
            attempts.check(ada, now).unwrap();
            attempts.record_failure(ada, now);
        }
        let later = NOW + Duration::from_mins(5);
        assert_eq!(
            attempts.check(ada, later),
            Err(TooManyFailures(Duration::from_mins(10)))
        );
        let elsewhere = attempts.attempt("ada", "198.51.100.7".parse().unwrap());
        assert!(attempts.check(elsewhere, later).is_err(), "from any address");
        attempts.check(attempts.attempt("bob", home()), later).unwrap();

        attempts.check(ada, NOW + MINUTES_15).unwrap();
        attempts.record_failure(ada, NOW + MINUTES_15);
        attempts.check(ada, NOW + MINUTES_15).unwrap();
    }

    #[test]
    fn an_address_is_blocked_for_all_accounts() {
        let attempts = attempts();
        for account in ["a", "b", "c", "d", "e"] {
            attempts.check(attempts.attempt(account, home()), NOW).unwrap();
            attempts.record_failure(attempts.attempt(account, home()), NOW);
        }
        assert_eq!(
            attempts.check(attempts.attempt("f", home()), NOW),
            Err(TooManyFailures(MINUTES_15))
        );
        attempts
            .check(attempts.attempt("f", "192.0.2.2".parse().unwrap()), NOW)
            .unwrap();
    }

    #[test]
    fn a_success_resets_the_count_of_the_account_and_not_of_the_address() {
        let attempts = attempts();
        let mine = attempts.attempt("mine", home());
        for account in ["a", "b", "c", "mine", "mine"] {
            attempts.record_failure(attempts.attempt(account, home()), NOW);
        }
        attempts.record_success(mine);
        attempts
            .check(attempts.attempt("mine", "192.0.2.2".parse().unwrap()), NOW)
            .unwrap();
        assert!(attempts.check(mine, NOW).is_err());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address_and_a_mapped_one_as_ipv4() {
        let attempts = attempts();
        let of = |address: &str| attempts.attempt("ada", address.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn the_memory_is_bounded_and_the_latest_failures_are_kept() {
        let mut failures = HashMap::new();
        for key in 0..120_000 {
            count(&mut failures, key, MINUTES_15, NOW + Duration::from_millis(key));
            assert!(failures.len() <= MAX_ENTRIES);
        }
        assert!(failures.len() > MAX_ENTRIES / 2);
        assert!((100_000..120_000).all(|key| failures.contains_key(&key)));

        for key in 200_000..250_000 {
            count(&mut failures, key, MINUTES_15, NOW + Duration::from_hours(1));
        }
        assert_eq!(failures.len(), MAX_ENTRIES, "expired entries were removed");
    }
}
