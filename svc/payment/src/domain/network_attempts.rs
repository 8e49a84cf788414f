//! The attempts to pay of each network, in memory: a restart resets them.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use values::{PaymentId, Timestamp};

use super::card_limits::{ATTEMPT_PERIOD, CardLimits, DECLINE_COST, LimitScope, TooManyCards, budget, cost};

/// The maximum number of networks, and of payments, that are counted: some 10 MiB in all.
const MAX_ENTRIES: usize = 50_000;

/// The wait if only attempts without a result are in the way: they end in a moment, and usually without a decline.
const PENDING_WAIT: Duration = Duration::from_secs(5);

/// The limits on cards, and the attempts of each network.
#[derive(Clone, Debug)]
pub(crate) struct CardAttempts {
    pub(crate) limits: CardLimits,
    pub(crate) networks: Arc<NetworkAttempts>,
}

impl CardAttempts {
    pub(crate) fn new(limits: CardLimits) -> Self {
        Self {
            limits,
            networks: Arc::default(),
        }
    }
}

/// A network that a client is counted by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CountedNetwork {
    pub(crate) name: Arc<str>,
    /// The declined cards that it may have in an hour; 0 is no limit.
    pub(crate) limit: u32,
}

/// Counts attempts by the networks of their clients.
///
/// An attempt with a card costs as much as a declined one until its result is known, so that concurrent attempts do not
/// exceed a limit.
#[derive(Debug, Default)]
pub(crate) struct NetworkAttempts {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    networks: HashMap<Arc<str>, NetworkCount>,
    payments: HashMap<PaymentId, CountedPayment>,
}

#[derive(Clone, Copy, Debug)]
struct NetworkCount {
    cost: u32,
    /// The part of the cost that attempts without a result may give back.
    pending: u32,
    /// The first attempt.
    since: Timestamp,
}

#[derive(Debug)]
struct CountedPayment {
    networks: Vec<Arc<str>>,
    cost: u32,
    pending: u32,
    since: Timestamp,
}

impl NetworkAttempts {
    /// Counts the start of a payment, unless a network of the client has reached its limit.
    pub(crate) fn start(
        &self,
        payment: PaymentId,
        networks: &[CountedNetwork],
        has_card: bool,
        now: Timestamp,
    ) -> Result<(), TooManyCards> {
        let networks = networks.iter().filter(|network| network.limit > 0);
        let mut counts = self.counts();
        let waits = networks.clone().filter_map(|network| counts.wait(network, now));
        if let Some(wait) = waits.max() {
            let scope = LimitScope::Network;
            return Err(TooManyCards { scope, wait });
        }
        let counted = CountedPayment {
            networks: networks.clone().map(|network| network.name.clone()).collect(),
            cost: if has_card { DECLINE_COST } else { 1 },
            pending: if has_card { DECLINE_COST - 1 } else { 0 },
            since: now,
        };
        for network in networks {
            make_room(&mut counts.networks, &network.name, now, |count| count.since);
            let count = counts.networks.entry(network.name.clone()).or_insert(NetworkCount {
                cost: 0,
                pending: 0,
                since: now,
            });
            if has_passed(count.since, now) {
                *count = NetworkCount {
                    cost: 0,
                    pending: 0,
                    since: now,
                };
            }
            count.cost = count.cost.saturating_add(counted.cost);
            count.pending = count.pending.saturating_add(counted.pending);
        }
        make_room(&mut counts.payments, &payment, now, |counted| counted.since);
        counts.payments.insert(payment, counted);
        Ok(())
    }

    /// Counts the result of a payment: how many cards were declined, and whether one pays. A network is an address that many
    /// buyers may share, so it is not charged for a payment that succeeds at once. A repetition changes nothing.
    pub(crate) fn record_result(&self, payment: PaymentId, declines: u32, is_paying: bool) {
        let mut counts = self.counts();
        let Counts { networks, payments } = &mut *counts;
        let Some(counted) = payments.get_mut(&payment) else {
            return;
        };
        let result = if is_paying && declines == 0 { 0 } else { cost(declines) };
        for network in &counted.networks {
            if let Some(count) = count_of(networks, network, counted) {
                count.cost = count.cost.saturating_sub(counted.cost).saturating_add(result);
                count.pending = count.pending.saturating_sub(counted.pending);
            }
        }
        counted.cost = result;
        counted.pending = 0;
    }

    /// Undoes the count of a payment that was not stored.
    pub(crate) fn cancel(&self, payment: PaymentId) {
        let mut counts = self.counts();
        let Counts { networks, payments } = &mut *counts;
        let Some(counted) = payments.remove(&payment) else {
            return;
        };
        for network in &counted.networks {
            if let Some(count) = count_of(networks, network, &counted) {
                count.cost = count.cost.saturating_sub(counted.cost);
                count.pending = count.pending.saturating_sub(counted.pending);
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Returns how long a network has to wait, if it has reached its limit.
    fn wait(&self, network: &CountedNetwork, now: Timestamp) -> Option<Duration> {
        let count = self.networks.get(&network.name)?;
        let budget = budget(network.limit);
        if has_passed(count.since, now) || count.cost < budget {
            return None;
        }
        let left = now.until(count.since + ATTEMPT_PERIOD);
        let is_settled = count.cost.saturating_sub(count.pending) >= budget;
        Some(if is_settled { left } else { left.min(PENDING_WAIT) })
    }
}

/// Returns the count of a network that contains the payment. One that began later does not.
fn count_of<'a>(
    networks: &'a mut HashMap<Arc<str>, NetworkCount>,
    network: &str,
    payment: &CountedPayment,
) -> Option<&'a mut NetworkCount> {
    let count = networks.get_mut(network);
    count.filter(|count| count.since <= payment.since)
}

/// Whether a count has ended. A clock that was set back ends it, too, instead of prolonging it.
fn has_passed(since: Timestamp, now: Timestamp) -> bool {
    since + ATTEMPT_PERIOD <= now || now < since
}

/// Makes room for a key: removes the entries whose period has passed; if there are none, the oldest tenth.
fn make_room<K: Eq + Hash, V>(entries: &mut HashMap<K, V>, key: &K, now: Timestamp, since: impl Fn(&V) -> Timestamp) {
    if entries.len() < MAX_ENTRIES || entries.contains_key(key) {
        return;
    }
    entries.retain(|_, entry| !has_passed(since(entry), now));
    if entries.len() >= MAX_ENTRIES {
        let mut times = entries.values().map(&since).collect::<Vec<_>>();
        let (_, oldest_kept, _) = times.select_nth_unstable(MAX_ENTRIES / 10);
        let oldest_kept = *oldest_kept;
        entries.retain(|_, entry| since(entry) > oldest_kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::NOW;

    /// A network with a limit of so many declined cards.
    fn network(name: &str, limit: u32) -> CountedNetwork {
        CountedNetwork {
            name: name.into(),
            limit,
        }
    }

    fn start(attempts: &NetworkAttempts, networks: &[CountedNetwork], now: Timestamp) -> Result<PaymentId, Duration> {
        let payment = PaymentId::new(now);
        let started = attempts.start(payment, networks, true, now);
        started.map(|()| payment).map_err(|error| error.wait)
    }

    fn decline(attempts: &NetworkAttempts, networks: &[CountedNetwork], now: Timestamp) {
        let payment = start(attempts, networks, now).unwrap();
        attempts.record_result(payment, 1, false);
    }

    #[test]
    fn a_network_is_blocked_for_an_hour_from_its_first_declined_card() {
        let (attempts, home) = (NetworkAttempts::default(), [network("home", 3)]);
        for minute in 0..3 {
            decline(&attempts, &home, NOW + Duration::from_mins(minute));
        }
        let later = NOW + Duration::from_mins(20);
        assert_eq!(start(&attempts, &home, later), Err(Duration::from_mins(40)));
        start(&attempts, &[network("elsewhere", 3)], later).unwrap();
        start(&attempts, &home, NOW + ATTEMPT_PERIOD).unwrap();
        // The clock is set back.
        start(&attempts, &home, NOW - Duration::from_mins(1)).unwrap();
    }

    #[test]
    fn successes_are_free_others_count_a_quarter_and_attempts_without_a_result_as_declined() {
        let (attempts, home) = (NetworkAttempts::default(), [network("home", 3)]);
        let pending = [(); 3].map(|()| start(&attempts, &home, NOW).unwrap());
        assert_eq!(start(&attempts, &home, NOW), Err(PENDING_WAIT));
        for payment in pending {
            attempts.record_result(payment, 0, false);
            attempts.record_result(payment, 0, false);
        }
        for _ in 0..100 {
            let paying = start(&attempts, &home, NOW).unwrap();
            attempts.record_result(paying, 0, true);
        }
        for _ in 3..12 {
            let ended = start(&attempts, &home, NOW).unwrap();
            // Authorised, and then not captured.
            attempts.record_result(ended, 0, true);
            attempts.record_result(ended, 0, false);
        }
        assert_eq!(start(&attempts, &home, NOW), Err(ATTEMPT_PERIOD));
    }

    #[test]
    fn a_payment_that_was_not_stored_is_not_counted() {
        let (attempts, home) = (NetworkAttempts::default(), [network("home", 1)]);
        let payment = start(&attempts, &home, NOW).unwrap();
        assert!(start(&attempts, &home, NOW).is_err());
        attempts.cancel(payment);
        attempts.cancel(payment);
        decline(&attempts, &home, NOW);
        assert_eq!(start(&attempts, &home, NOW), Err(ATTEMPT_PERIOD));
    }

    #[test]
    fn cards_that_are_declined_in_a_browser_count_when_they_are_reported() {
        let (attempts, home) = (NetworkAttempts::default(), [network("home", 3)]);
        let payment = PaymentId::new(NOW);
        attempts.start(payment, &home, false, NOW).unwrap();
        attempts.record_result(payment, 2, false);
        start(&attempts, &home, NOW).unwrap();
        attempts.record_result(payment, 3, false);
        assert!(start(&attempts, &home, NOW).is_err());
    }

    #[test]
    fn a_client_is_counted_by_all_its_networks_and_zero_is_no_limit() {
        let attempts = NetworkAttempts::default();
        let client = |name| [network(name, 1), network("all", 3), network("unlimited", 0)];
        for name in ["a", "b", "c"] {
            decline(&attempts, &client(name), NOW);
            assert!(start(&attempts, &client(name), NOW).is_err());
        }
        assert!(start(&attempts, &client("d"), NOW).is_err());
        start(&attempts, &[network("d", 1), network("unlimited", 0)], NOW).unwrap();
    }

    #[test]
    fn the_memory_is_bounded_and_the_latest_attempts_are_kept() {
        let attempts = NetworkAttempts::default();
        let client = |number: u32| [network(&number.to_string(), 1)];
        for number in 0..120_000_u32 {
            let now = NOW + Duration::from_millis(number.into());
            decline(&attempts, &client(number), now);
        }
        let counts = attempts.counts();
        assert!(counts.networks.len() <= MAX_ENTRIES && counts.payments.len() <= MAX_ENTRIES);
        drop(counts);
        let now = NOW + Duration::from_mins(10);
        for number in 100_000..120_000 {
            assert!(start(&attempts, &client(number), now).is_err(), "{number}");
        }
    }
}
