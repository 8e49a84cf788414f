use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Notify, futures::Notified};
use values::Timestamp;

use super::fair_queue::Network;

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
///
/// An attempt reserves one failure before it waits for a hasher, and gives it back if the password matches. So any number of
/// concurrent attempts cannot exceed a limit.
#[derive(Clone, Debug)]
pub(crate) struct SignInAttempts {
    limits: SignInLimits,
    /// Secret, so that collisions cannot be chosen.
    random: RandomState,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    counts: Mutex<Counts>,
    /// Notified when a reservation ends.
    ended: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    accounts: HashMap<u64, Failures>,
    addresses: HashMap<u64, Failures>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    /// The attempts whose passwords are being hashed, or are queued for it.
    reserved: u32,
    /// The time of the first failure.
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
            shared: Arc::default(),
        }
    }

    /// Describes an attempt to sign in to an account, by the key of its email address, from a network address.
    pub(crate) fn attempt(&self, account_key: &str, client: IpAddr) -> Attempt {
        Attempt {
            account: self.random.hash_one(account_key),
            address: self.random.hash_one(Network::from(client)),
        }
    }

    /// Checks whether the attempt is allowed.
    #[cfg(test)]
    pub(crate) fn check(&self, attempt: Attempt, now: Timestamp) -> Result<(), TooManyFailures> {
        self.check_failures(&self.shared.counts(), attempt, now)
    }

    /// Reserves a failure for an attempt whose password is to be hashed. Returns `None` if the attempts with reservations
    /// could reach the limit: a later one may be allowed once [one of them ends](Self::reservation_ended).
    pub(crate) fn try_reserve(&self, attempt: Attempt, now: Timestamp) -> Result<Option<Reservation>, TooManyFailures> {
        let SignInLimits {
            per_account,
            per_address,
            window,
        } = self.limits;
        let mut counts = self.shared.counts();
        self.check_failures(&counts, attempt, now)?;
        let is_free = |failures: Option<&Failures>, limit| {
            failures.is_none_or(|failures| failures.current(window, now).saturating_add(failures.reserved) < limit)
        };
        if !is_free(counts.accounts.get(&attempt.account), per_account)
            || !is_free(counts.addresses.get(&attempt.address), per_address)
        {
            return Ok(None);
        }
        entry(&mut counts.accounts, attempt.account, window, now).reserved += 1;
        entry(&mut counts.addresses, attempt.address, window, now).reserved += 1;
        drop(counts);
        Ok(Some(Reservation {
            shared: Arc::clone(&self.shared),
            attempt,
            window,
        }))
    }

    /// Completes when a reservation has ended after this call.
    pub(crate) fn reservation_ended(&self) -> Notified<'_> {
        self.shared.ended.notified()
    }

    fn check_failures(&self, counts: &Counts, attempt: Attempt, now: Timestamp) -> Result<(), TooManyFailures> {
        let account = self.remaining_wait(counts.accounts.get(&attempt.account), self.limits.per_account, now);
        let address = self.remaining_wait(counts.addresses.get(&attempt.address), self.limits.per_address, now);
        account.max(address).map_or(Ok(()), |wait| Err(TooManyFailures(wait)))
    }

    fn remaining_wait(&self, failures: Option<&Failures>, limit: u32, now: Timestamp) -> Option<Duration> {
        let failures = failures.filter(|failures| failures.count >= limit)?;
        let wait = now.until(failures.since + self.limits.window);
        (wait > Duration::ZERO).then_some(wait)
    }
}

impl Shared {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A failure that is reserved for one attempt. It is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    shared: Arc<Shared>,
    attempt: Attempt,
    window: Duration,
}

impl Reservation {
    /// Counts a failed attempt.
    pub(crate) fn fail(self, now: Timestamp) {
        let mut counts = self.shared.counts();
        entry(&mut counts.accounts, self.attempt.account, self.window, now).count_failure(now);
        entry(&mut counts.addresses, self.attempt.address, self.window, now).count_failure(now);
    }

    /// Resets the count of the account. That of the address stays: else an attacker could reset it with an own account.
    pub(crate) fn succeed(self) {
        if let Some(account) = self.shared.counts().accounts.get_mut(&self.attempt.account) {
            account.count = 0;
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut counts = self.shared.counts();
        release(&mut counts.accounts, self.attempt.account);
        release(&mut counts.addresses, self.attempt.address);
        drop(counts);
        self.shared.ended.notify_waiters();
    }
}

impl Failures {
    /// Returns the number of failures in the current window.
    fn current(&self, window: Duration, now: Timestamp) -> u32 {
        if self.since + window <= now { 0 } else { self.count }
    }

    fn count_failure(&mut self, now: Timestamp) {
        if self.count == 0 {
            self.since = now;
        }
        self.count = self.count.saturating_add(1);
    }
}

/// Returns the entry of a key; one whose window has passed begins again.
fn entry(failures: &mut HashMap<u64, Failures>, key: u64, window: Duration, now: Timestamp) -> &mut Failures {
    if failures.len() >= MAX_ENTRIES && !failures.contains_key(&key) {
        make_room(failures, window, now);
    }
    let entry = failures.entry(key).or_insert(Failures {
        count: 0,
        reserved: 0,
        since: now,
    });
    entry.count = entry.current(window, now);
    entry
}

fn release(failures: &mut HashMap<u64, Failures>, key: u64) {
    if let Entry::Occupied(mut entry) = failures.entry(key) {
        let failures = entry.get_mut();
        failures.reserved = failures.reserved.saturating_sub(1);
        if failures.reserved == 0 && failures.count == 0 {
            entry.remove();
        }
    }
}

/// Removes expired entries; if there are none, the oldest tenth, so that this is seldom needed. Entries with reservations
/// stay: there are as many as passwords that are hashed or queued at the same time.
fn make_room(failures: &mut HashMap<u64, Failures>, window: Duration, now: Timestamp) {
    failures.retain(|_, entry| entry.since + window > now || entry.reserved > 0);
    if failures.len() >= MAX_ENTRIES {
        let mut times = failures.values().map(|entry| entry.since).collect::<Vec<_>>();
        let (_, old, _) = times.select_nth_unstable(MAX_ENTRIES / 10);
        let oldest_kept = *old;
        failures.retain(|_, entry| entry.since > oldest_kept || entry.reserved > 0);
    }
    failures.shrink_to(MAX_ENTRIES);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

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

    fn fail(attempts: &SignInAttempts, attempt: Attempt, now: Timestamp) {
        attempts.try_reserve(attempt, now).unwrap().unwrap().fail(now);
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
            fail(&attempts, ada, now);
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
        fail(&attempts, ada, NOW + MINUTES_15);
        attempts.check(ada, NOW + MINUTES_15).unwrap();
    }

    #[test]
    fn an_address_is_blocked_for_all_accounts() {
        let attempts = attempts();
        for account in ["a", "b", "c", "d", "e"] {
            attempts.check(attempts.attempt(account, home()), NOW).unwrap();
            fail(&attempts, attempts.attempt(account, home()), NOW);
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
        for account in ["a", "b", "mine", "mine"] {
            fail(&attempts, attempts.attempt(account, home()), NOW);
        }
        attempts.try_reserve(mine, NOW).unwrap().unwrap().succeed();
        fail(&attempts, attempts.attempt("c", home()), NOW);
        attempts
            .check(attempts.attempt("mine", "192.0.2.2".parse().unwrap()), NOW)
            .unwrap();
        assert!(attempts.check(mine, NOW).is_err());
    }

    #[test]
    fn concurrent_attempts_never_exceed_a_limit() {
        let attempts = attempts();
        for account in ["one", "many"] {
            let failed = AtomicU32::new(0);
            std::thread::scope(|scope| {
                for number in 0..24 {
                    let (attempts, failed) = (&attempts, &failed);
                    // Of one account, or from one address.
                    let (account, address) = match account {
                        "one" => ("one".to_owned(), format!("198.51.100.{number}")),
                        _ => (format!("many {number}"), "192.0.2.1".to_owned()),
                    };
                    scope.spawn(move || {
                        let attempt = attempts.attempt(&account, address.parse().unwrap());
                        while let Ok(reserved) = attempts.try_reserve(attempt, NOW) {
                            std::thread::yield_now();
                            if let Some(reservation) = reserved {
                                failed.fetch_add(1, Ordering::SeqCst);
                                reservation.fail(NOW);
                                break;
                            }
                        }
                    });
                }
            });
            let limit = if account == "one" { 3 } else { 5 };
            assert_eq!(failed.load(Ordering::SeqCst), limit, "{account}");
        }
        assert!(
            attempts
                .shared
                .counts()
                .accounts
                .values()
                .all(|failures| failures.reserved == 0)
        );
    }

    #[test]
    fn reservations_that_end_without_a_failure_leave_no_trace() {
        let attempts = attempts();
        let ada = attempts.attempt("ada", home());
        let reserve = || attempts.try_reserve(ada, NOW).unwrap();
        let reservations: Vec<_> = (0..3).map(|_| reserve().unwrap()).collect();
        assert!(reserve().is_none(), "three attempts could fail");
        for reservation in reservations {
            reservation.succeed();
            // One that ends without a result, as after a panic.
            drop(reserve().unwrap());
        }
        let counts = attempts.shared.counts();
        assert!(counts.accounts.is_empty() && counts.addresses.is_empty());
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
            let now = NOW + Duration::from_millis(key);
            entry(&mut failures, key, MINUTES_15, now).count_failure(now);
            assert!(failures.len() <= MAX_ENTRIES);
        }
        assert!(failures.len() > MAX_ENTRIES / 2);
        assert!((100_000..120_000).all(|key| failures.contains_key(&key)));

        for key in 200_000..250_000 {
            let now = NOW + Duration::from_hours(1);
            entry(&mut failures, key, MINUTES_15, now).count_failure(now);
        }
        assert_eq!(failures.len(), MAX_ENTRIES, "expired entries were removed");
    }
}
