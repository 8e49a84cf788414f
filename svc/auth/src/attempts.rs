use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use values::Timestamp;

/// Accounts and addresses that are remembered, of each kind; some 3 MiB in all.
const REMEMBERED: usize = 50_000;

/// How many failed attempts to sign in are borne.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limits {
    /// For one account, whether it exists or not.
    pub(crate) per_account: u32,
    /// From one network address (IPv6: one network of 64 bits).
    pub(crate) per_address: u32,
    /// In this time, counted from the first failure.
    pub(crate) window: Duration,
}

/// Counts failed attempts to sign in, in memory: a restart forgets them.
#[derive(Clone, Debug)]
pub(crate) struct Attempts {
    limits: Limits,
    /// Unknown to anybody outside, so that nobody can choose what collides.
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

/// Who tries to sign in, from where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Attempt {
    account: u64,
    address: u64,
}

/// There were too many failures; the next attempt is looked at after this time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many failed attempts to sign in")]
pub struct TooManyFailures(pub Duration);

impl Attempts {
    /// Nobody failed yet.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            random: RandomState::new(),
            counts: Arc::default(),
        }
    }

    /// An attempt to sign in to an account, named by its address's key, from a network address.
    pub(crate) fn of(&self, account: &str, from: IpAddr) -> Attempt {
        let network = match from.to_canonical() {
            IpAddr::V4(address) => u64::from(address.to_bits()),
            // Whoever has one address of IPv6 has as many as they like.
            IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or_default(),
        };
        Attempt {
            account: self.random.hash_one(account),
            address: self.random.hash_one((from.is_ipv6(), network)),
        }
    }

    /// Whether the attempt may be made, right or wrong.
    pub(crate) fn check(&self, attempt: Attempt, now: Timestamp) -> Result<(), TooManyFailures> {
        let counts = self.counts();
        let account = self.wait(counts.accounts.get(&attempt.account), self.limits.per_account, now);
        let address = self.wait(counts.addresses.get(&attempt.address), self.limits.per_address, now);
        account.max(address).map_or(Ok(()), |wait| Err(TooManyFailures(wait)))
    }

    /// Counts an attempt that failed.
    pub(crate) fn failed(&self, attempt: Attempt, now: Timestamp) {
        let mut counts = self.counts();
        let window = self.limits.window;
        count(&mut counts.accounts, attempt.account, window, now);
        count(&mut counts.addresses, attempt.address, window, now);
    }

    /// Forgives the account: its owner is here. The address is not forgiven, or one account of one's own would open all.
    pub(crate) fn succeeded(&self, attempt: Attempt) {
        self.counts().accounts.remove(&attempt.account);
    }

    fn wait(&self, failures: Option<&Failures>, limit: u32, now: Timestamp) -> Option<Duration> {
        let failures = failures.filter(|failures| failures.count >= limit)?;
        let wait = now.until(failures.since + self.limits.window);
        (wait > Duration::ZERO).then_some(wait)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(failures: &mut HashMap<u64, Failures>, who: u64, window: Duration, now: Timestamp) {
    if failures.len() >= REMEMBERED && !failures.contains_key(&who) {
        make_room(failures, window, now);
    }
    let entry = failures.entry(who).or_insert(Failures { count: 0, since: now });
    if entry.since + window <= now {
        *entry = Failures { count: 0, since: now };
    }
    entry.count = entry.count.saturating_add(1);
}

/// Forgets what is over; if nothing is, the tenth that failed longest ago, so that this is seldom needed.
fn make_room(failures: &mut HashMap<u64, Failures>, window: Duration, now: Timestamp) {
    failures.retain(|_, entry| entry.since + window > now);
    if failures.len() >= REMEMBERED {
        let mut ages = failures.values().map(|entry| entry.since).collect::<Vec<_>>();
        let (_, old, _) = ages.select_nth_unstable(REMEMBERED / 10);
        let old = *old;
        failures.retain(|_, entry| entry.since > old);
    }
    failures.shrink_to(REMEMBERED);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const MINUTES_15: Duration = Duration::from_mins(15);

    fn attempts() -> Attempts {
        Attempts::new(Limits {
            per_account: 3,
            per_address: 5,
            window: MINUTES_15,
        })
    }

    fn home() -> IpAddr {
        "192.0.2.1".parse().unwrap()
    }

    #[test]
    fn an_account_is_closed_after_its_failures_until_fifteen_minutes_after_the_first() {
        let attempts = attempts();
        let ada = attempts.of("ada", home());
        for minute in 0..3 {
            let now = NOW + Duration::from_mins(minute);
            attempts.check(ada, now).unwrap();
            attempts.failed(ada, now);
        }
        let later = NOW + Duration::from_mins(5);
        assert_eq!(
            attempts.check(ada, later),
            Err(TooManyFailures(Duration::from_mins(10)))
        );
        let elsewhere = attempts.of("ada", "198.51.100.7".parse().unwrap());
        assert!(attempts.check(elsewhere, later).is_err(), "from wherever");
        attempts.check(attempts.of("bob", home()), later).unwrap();

        attempts.check(ada, NOW + MINUTES_15).unwrap();
        attempts.failed(ada, NOW + MINUTES_15);
        attempts.check(ada, NOW + MINUTES_15).unwrap();
    }

    #[test]
    fn an_address_is_closed_for_all_accounts() {
        let attempts = attempts();
        for account in ["a", "b", "c", "d", "e"] {
            attempts.check(attempts.of(account, home()), NOW).unwrap();
            attempts.failed(attempts.of(account, home()), NOW);
        }
        assert_eq!(
            attempts.check(attempts.of("f", home()), NOW),
            Err(TooManyFailures(MINUTES_15))
        );
        attempts
            .check(attempts.of("f", "192.0.2.2".parse().unwrap()), NOW)
            .unwrap();
    }

    #[test]
    fn success_forgives_the_account_and_not_the_address() {
        let attempts = attempts();
        let mine = attempts.of("mine", home());
        for account in ["a", "b", "c", "mine", "mine"] {
            attempts.failed(attempts.of(account, home()), NOW);
        }
        attempts.succeeded(mine);
        attempts
            .check(attempts.of("mine", "192.0.2.2".parse().unwrap()), NOW)
            .unwrap();
        assert!(attempts.check(mine, NOW).is_err());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address_and_a_mapped_one_as_ipv4() {
        let attempts = attempts();
        let of = |address: &str| attempts.of("ada", address.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    #[test]
    fn the_memory_is_bounded_and_the_latest_are_remembered() {
        let mut failures = HashMap::new();
        for who in 0..120_000 {
            count(&mut failures, who, MINUTES_15, NOW + Duration::from_millis(who));
            assert!(failures.len() <= REMEMBERED);
        }
        assert!(failures.len() > REMEMBERED / 2);
        assert!((100_000..120_000).all(|who| failures.contains_key(&who)));

        for who in 200_000..250_000 {
            count(&mut failures, who, MINUTES_15, NOW + Duration::from_hours(1));
        }
        assert_eq!(failures.len(), REMEMBERED, "what was over made room");
    }
}
