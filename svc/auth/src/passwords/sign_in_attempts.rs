use std::{
    hash::{BuildHasher, Hash, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chassis::ClientNetwork;
use tokio::sync::{Notify, futures::Notified};
use values::{SessionId, UserId};

use super::counters::Counters;

/// The limits on failed attempts to sign in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SignInLimits {
    /// For an account from one network address, or from a browser that has signed in to it before. The account need not
    /// exist.
    pub(crate) per_account: u32,
    /// For a network address, whatever the account.
    pub(crate) per_address: u32,
    /// For an account from all networks: beyond, other browsers than those that have signed in before are slowed down. Beyond as
    /// many failures of those, they are treated like the others.
    pub(crate) before_slowing: u32,
    /// The time between two attempts on an account that is slowed down.
    pub(crate) slow_interval: Duration,
    /// The time in which failures are counted, from the first one.
    pub(crate) window: Duration,
}

/// Counts failed attempts to sign in, in memory: a restart resets them.
///
/// An attempt reserves one failure before it waits for a hasher, and gives it back if the password matches. So any number of
/// concurrent attempts cannot exceed a limit. Times are those of [`Clock::elapsed`](values::Clock::elapsed).
#[derive(Clone, Debug)]
pub(crate) struct SignInAttempts {
    limits: SignInLimits,
    /// Secret, so that collisions cannot be chosen.
    random: RandomState,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    counters: Mutex<Counters>,
    /// Notified when a reservation ends.
    ended: Notify,
}

/// What a failure is counted by.
#[derive(Hash)]
enum Key<'a> {
    AccountFromNetwork(&'a str, ClientNetwork),
    AccountFromDevice(&'a str, SessionId),
    AccountFromDevices(&'a str),
    Account(&'a str),
    Network(ClientNetwork),
    RepeatedSignUp(&'a str),
    SecondFactor(UserId),
}

/// An attempt to check a password: the counts that it is limited by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Attempt {
    /// Keys with their limits. A match resets the first ones, which are about the account.
    limited: Vec<(u64, u32)>,
    reset_by_match: usize,
    /// The key of an account that may be slowed down.
    slowed: Option<u64>,
    /// Keys that a failure counts for without a limit here.
    counted: Vec<u64>,
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
            shared: Arc::new(Shared {
                counters: Mutex::new(Counters::new(limits.window)),
                ended: Notify::new(),
            }),
        }
    }

    /// Describes an attempt to sign in to an account, by the key of its email address, from a network address.
    ///
    /// An attempt from a browser that has signed in to the account before is limited by the failures of that browser alone:
    /// others cannot lock its user out. Beyond a number of failures of all such browsers, they are limited as others are: somebody
    /// who once had the password may have signed in any number of times.
    pub(crate) fn sign_in(&self, account: &str, client: IpAddr, device: Option<SessionId>, now: Duration) -> Attempt {
        let devices = self.hash(&Key::AccountFromDevices(account));
        let failures = self.shared.counters().count_with_reserved(devices, now);
        if let Some(device) = device.filter(|_| failures < self.limits.before_slowing) {
            return Attempt {
                limited: vec![(
                    self.hash(&Key::AccountFromDevice(account, device)),
                    self.limits.per_account,
                )],
                reset_by_match: 1,
                slowed: None,
                counted: vec![devices],
            };
        }
        let mut limited: Vec<_> = ClientNetwork::levels(client)
            .map(|network| {
                let key = self.hash(&Key::AccountFromNetwork(account, network));
                (key, network.allowance(self.limits.per_account))
            })
            .collect();
        let reset_by_match = limited.len();
        limited.extend(self.networks(client));
        Attempt {
            limited,
            reset_by_match,
            slowed: Some(self.hash(&Key::Account(account))),
            counted: Vec::new(),
        }
    }

    /// Describes a sign-up: it fails if the address has an account, so that addresses are not found out faster than by
    /// signing in.
    pub(crate) fn sign_up(&self, client: IpAddr) -> Attempt {
        Attempt {
            limited: self.networks(client).collect(),
            reset_by_match: 0,
            slowed: None,
            counted: Vec::new(),
        }
    }

    /// Describes a sign-up that is repeated with its idempotency key. It is limited by the failures with that key alone: a
    /// client gets its response again, whatever others of its network have done.
    pub(crate) fn repeated_sign_up(&self, idempotency_key: &str, client: IpAddr) -> Attempt {
        Attempt {
            limited: vec![(
                self.hash(&Key::RepeatedSignUp(idempotency_key)),
                self.limits.per_account,
            )],
            reset_by_match: 1,
            slowed: None,
            counted: self.networks(client).map(|(key, _)| key).collect(),
        }
    }

    /// Describes an attempt to prove a second factor. It is limited by the failures of the account from all networks: only who
    /// has the password can attempt it, so nobody else can lock its user out.
    pub(crate) fn second_factor(&self, user_id: UserId, client: IpAddr) -> Attempt {
        Attempt {
            limited: vec![(self.hash(&Key::SecondFactor(user_id)), self.limits.per_account)],
            reset_by_match: 1,
            slowed: None,
            counted: self.networks(client).map(|(key, _)| key).collect(),
        }
    }

    fn networks(&self, client: IpAddr) -> impl Iterator<Item = (u64, u32)> {
        ClientNetwork::levels(client).map(|network| {
            let key = self.hash(&Key::Network(network));
            (key, network.allowance(self.limits.per_address))
        })
    }

    fn hash(&self, key: &Key<'_>) -> u64 {
        self.random.hash_one(key)
    }

    /// Reserves a failure for an attempt whose password is to be hashed. Returns `None` if the attempts with reservations
    /// could reach the limit: a later one may be allowed once [one of them ends](Self::reservation_ended).
    pub(crate) fn try_reserve(&self, attempt: &Attempt, now: Duration) -> Result<Option<Reservation>, TooManyFailures> {
        let mut counters = self.shared.counters();
        let waits = attempt
            .limited
            .iter()
            .filter(|(key, limit)| counters.count(*key, now) >= *limit)
            .map(|(key, _)| counters.remaining(*key, now));
        let slow_wait = attempt.slowed.and_then(|key| self.slow_wait(&counters, key, now));
        if let Some(wait) = waits.chain(slow_wait).max() {
            return Err(TooManyFailures(wait));
        }
        let is_free = |key, limit| counters.count_with_reserved(key, now) < limit;
        if !attempt.limited.iter().all(|(key, limit)| is_free(*key, *limit)) {
            return Ok(None);
        }
        if let Some(key) = attempt.slowed {
            if counters.count(key, now) >= self.limits.before_slowing {
                counters.touch(key, now);
            } else if !is_free(key, self.limits.before_slowing) {
                return Ok(None);
            }
        }
        for key in attempt.keys() {
            counters.reserve(key, now);
        }
        drop(counters);
        Ok(Some(Reservation {
            shared: Arc::clone(&self.shared),
            attempt: attempt.clone(),
        }))
    }

    /// Returns how long an attempt has to wait because its account is slowed down.
    fn slow_wait(&self, counters: &Counters, key: u64, now: Duration) -> Option<Duration> {
        if counters.count(key, now) < self.limits.before_slowing {
            return None;
        }
        let wait = (counters.touched(key) + self.limits.slow_interval).saturating_sub(now);
        (wait > Duration::ZERO).then_some(wait)
    }

    /// Completes when a reservation has ended after this call.
    pub(crate) fn reservation_ended(&self) -> Notified<'_> {
        self.shared.ended.notified()
    }
}

impl Attempt {
    /// Returns the attempt without a reset: its match is no success yet.
    pub(crate) fn without_reset(mut self) -> Self {
        self.reset_by_match = 0;
        self
    }

    /// Returns all keys that a failure counts for.
    fn keys(&self) -> impl Iterator<Item = u64> {
        let limited = self.limited.iter().map(|(key, _)| *key);
        limited.chain(self.slowed).chain(self.counted.iter().copied())
    }
}

impl Shared {
    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A failure that is reserved for one attempt. It is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    shared: Arc<Shared>,
    attempt: Attempt,
}

impl Reservation {
    /// Counts a failed attempt.
    pub(crate) fn fail(self, now: Duration) {
        let mut counters = self.shared.counters();
        let slowed = self.attempt.slowed;
        for key in self.attempt.keys() {
            counters.add(key, now);
        }
        if let Some(key) = slowed {
            counters.touch(key, now);
        }
    }

    /// Resets the counts of the account from this network or browser. Those of the network and of the account as a whole
    /// stay: else an attacker could reset them with an own account, or the user for an attacker.
    pub(crate) fn succeed(self) {
        let mut counters = self.shared.counters();
        for (key, _) in self.attempt.limited.iter().take(self.attempt.reset_by_match) {
            counters.reset(*key);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut counters = self.shared.counters();
        for key in self.attempt.keys() {
            counters.release(key);
        }
        drop(counters);
        self.shared.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
