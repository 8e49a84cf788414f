//! How many cards may be tried for one order, by one buyer and from one network.

use std::time::Duration;

use values::{PaymentId, Timestamp};

/// The period in which attempts count.
pub(crate) const ATTEMPT_PERIOD: Duration = Duration::from_hours(1);

/// What a declined card costs. An attempt that was not declined costs 1: a buyer, an office or a provider makes many of
/// them, and one who tests stolen cards makes declined ones.
pub(super) const DECLINE_COST: u32 = 4;

/// The limits on declined cards in an hour; 0 is no limit. An attempt with another result counts a quarter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::Args)]
#[group(skip)]
pub struct CardLimits {
    /// Declined cards for one order in an hour, after which no other card may be tried; an attempt with another result
    /// counts a quarter. 0: no limit.
    #[arg(
        long = "declined-cards-per-order",
        env = "TICKETING_DECLINED_CARDS_PER_ORDER",
        default_value = "10",
        value_name = "CARDS",
        value_parser = clap::value_parser!(u32).range(0..=1_000_000)
    )]
    pub per_order: u32,
    /// Declined cards of one buyer in an hour, counted like those of an order. 0: no limit.
    #[arg(
        long = "declined-cards-per-buyer",
        env = "TICKETING_DECLINED_CARDS_PER_BUYER",
        default_value = "20",
        value_name = "CARDS",
        value_parser = clap::value_parser!(u32).range(0..=1_000_000)
    )]
    pub per_buyer: u32,
    /// Declined cards from one network in an hour, counted like those of an order, but without payments that succeed: an
    /// IPv4 address or an IPv6 network of 64 bits; one of 56 bits may have 4 times as many, one of 48 bits 16 times. 0: no
    /// limit.
    #[arg(
        long = "declined-cards-per-network",
        env = "TICKETING_DECLINED_CARDS_PER_NETWORK",
        default_value = "60",
        value_name = "CARDS",
        value_parser = clap::value_parser!(u32).range(0..=1_000_000)
    )]
    pub per_network: u32,
}

impl CardLimits {
    /// No limits.
    pub const UNLIMITED: Self = Self {
        per_order: 0,
        per_buyer: 0,
        per_network: 0,
    };
}

/// An attempt to pay, as it counts for the limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Attempt {
    pub(crate) started_at: Timestamp,
    /// The declined cards; in a browser, several can be.
    pub(crate) declines: u32,
}

/// What reached its limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LimitScope {
    Order,
    Buyer,
    Network,
}

/// A limit is reached. The next attempt is allowed after `wait`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many cards were tried")]
pub(crate) struct TooManyCards {
    pub(crate) scope: LimitScope,
    pub(crate) wait: Duration,
}

/// Returns what an attempt with so many declined cards costs.
pub(super) fn cost(declines: u32) -> u32 {
    declines.saturating_mul(DECLINE_COST).max(1)
}

/// Returns the cost that a limit allows.
pub(super) const fn budget(limit: u32) -> u32 {
    limit.saturating_mul(DECLINE_COST)
}

/// Checks whether another card may be tried after these attempts of the last hour, oldest first.
pub(crate) fn check_attempts(
    scope: LimitScope,
    limit: u32,
    attempts: &[Attempt],
    now: Timestamp,
) -> Result<(), TooManyCards> {
    if limit == 0 {
        return Ok(());
    }
    let mut total = attempts
        .iter()
        .fold(0_u32, |total, attempt| total.saturating_add(cost(attempt.declines)));
    let mut wait = None;
    for attempt in attempts {
        if total < budget(limit) {
            break;
        }
        total = total.saturating_sub(cost(attempt.declines));
        wait = Some(now.until(attempt.started_at + ATTEMPT_PERIOD));
    }
    wait.map_or(Ok(()), |wait| Err(TooManyCards { scope, wait }))
}

/// Returns an id below those of the payments that count.
pub(crate) fn first_counted_id(now: Timestamp) -> PaymentId {
    PaymentId::earliest(now - ATTEMPT_PERIOD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::NOW;

    fn attempts(of: &[(u64, u32)]) -> Vec<Attempt> {
        let attempts = of.iter().map(|(minutes_ago, declines)| Attempt {
            started_at: NOW - Duration::from_mins(*minutes_ago),
            declines: *declines,
        });
        attempts.collect()
    }

    fn wait(limit: u32, of: &[(u64, u32)]) -> Option<u64> {
        let checked = check_attempts(LimitScope::Buyer, limit, &attempts(of), NOW);
        checked.err().map(|error| error.wait.as_secs() / 60)
    }

    #[test]
    fn a_limit_is_reached_by_declined_cards_and_by_four_times_as_many_others() {
        assert_eq!(wait(2, &[]), None);
        assert_eq!(wait(2, &[(50, 1), (40, 0), (30, 0), (20, 0)]), None);
        assert_eq!(wait(2, &[(50, 1), (40, 1)]), Some(10), "until the first is an hour old");
        assert_eq!(wait(2, &[(50, 2)]), Some(10), "two cards in a browser");
        let others = (0..8).map(|number| (50 - number, 0)).collect::<Vec<_>>();
        assert_eq!(wait(2, &others), Some(10));
        assert_eq!(wait(2, &others[1..]), None);
    }

    #[test]
    fn the_wait_ends_when_enough_attempts_are_an_hour_old() {
        assert_eq!(wait(2, &[(50, 0), (40, 1), (30, 2)]), Some(30));
        assert_eq!(wait(2, &[(50, 0), (40, 1), (30, 1)]), Some(20));
    }

    #[test]
    fn zero_is_no_limit() {
        assert_eq!(wait(0, &[(1, 1000)]), None);
    }
}
