//! Money that was taken: when Stripe is asked what has become of it. No SQL, no HTTP.

use std::time::Duration;

use values::{Money, PaymentId, Timestamp};

use super::{Dispute, GivenBack};

/// The longest pause before Stripe is asked again that did not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(45);

/// The longest pause before Stripe is asked again that had nothing new to say: it tells by itself, as a rule.
const LONGEST_PATIENCE: Duration = Duration::from_hours(1);

/// Money that was taken with a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Taking {
    pub(crate) payment_id: PaymentId,
    pub(crate) amount: Money,
    /// What Stripe has given back or is about to, in minor units.
    pub(crate) refunded: i64,
    /// What Stripe has kept for itself, with its currency, once that is known.
    pub(crate) stripe_fee: Option<(i64, String)>,
    /// How often Stripe was asked and had nothing new to say.
    pub(crate) tries: u32,
    /// When it is asked again; `None` where nothing is awaited.
    pub(crate) look_at: Option<Timestamp>,
    /// When Stripe told of something that has not been looked at since.
    pub(crate) told_at: Option<Timestamp>,
}

/// What Stripe says has become of money that was taken.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Aftermath {
    /// What it has kept for itself, in its currency; `None` as long as it does not say.
    pub(crate) stripe_fee: Option<(i64, String)>,
    /// All refunds of it.
    pub(crate) refunds: Vec<GivenBack>,
    /// All disputes of it.
    pub(crate) disputes: Vec<Dispute>,
}

/// What of a payment's money is gone.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Gone {
    /// Minor units that went back, or are about to.
    pub(crate) refunded: i64,
    /// The dispute that counts, and how many minor units it is about.
    pub(crate) dispute: Option<(events::DisputeStatus, i64)>,
}

impl Taking {
    /// Stripe was asked at `asked_at`, and all that it said is known.
    pub(crate) fn looked_at(&mut self, asked_at: Timestamp, pending: bool, now: Timestamp) {
        self.told_at = self.told_at.filter(|told_at| *told_at >= asked_at);
        if self.told_at.is_some() {
            self.look_at = Some(now);
        } else if pending || self.stripe_fee.is_none() {
            self.look_again(LONGEST_PATIENCE, now);
        } else {
            self.tries = 0;
            self.look_at = None;
        }
    }

    /// Stripe did not answer.
    pub(crate) fn postpone(&mut self, now: Timestamp) {
        self.look_again(LONGEST_PAUSE, now);
    }

    fn look_again(&mut self, longest: Duration, now: Timestamp) {
        self.tries = self.tries.saturating_add(1);
        let pause = Duration::from_secs(1 << self.tries.saturating_sub(1).min(12));
        self.look_at = Some(now + pause.min(longest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_811_000_000_000);

    fn taking() -> Taking {
        Taking {
            payment_id: PaymentId::new(NOW),
            amount: Money {
                amount: 1999,
                currency: "usd".parse().unwrap(),
            },
            refunded: 0,
            stripe_fee: Some((88, "usd".to_owned())),
            tries: 0,
            look_at: Some(NOW),
            told_at: None,
        }
    }

    #[test]
    fn where_nothing_is_awaited_nobody_asks_any_more() {
        let mut taking = taking();
        taking.looked_at(NOW, false, NOW);
        assert_eq!(taking.look_at, None);
    }

    #[test]
    fn what_is_awaited_is_asked_for_ever_less_often() {
        let mut taking = taking();
        for pause in [1, 2, 4, 8] {
            taking.looked_at(NOW, true, NOW);
            assert_eq!(taking.look_at, Some(NOW + Duration::from_secs(pause)));
        }
        taking.tries = 30;
        taking.looked_at(NOW, true, NOW);
        assert_eq!(taking.look_at, Some(NOW + LONGEST_PATIENCE));
        taking.postpone(NOW);
        assert_eq!(taking.look_at, Some(NOW + LONGEST_PAUSE));
    }

    #[test]
    fn what_was_told_while_stripe_was_asked_is_looked_at_again() {
        let (mut taking, later) = (taking(), NOW + Duration::from_secs(1));
        taking.told_at = Some(later);
        taking.looked_at(NOW, false, later);
        assert_eq!((taking.look_at, taking.told_at), (Some(later), Some(later)));
        taking.looked_at(later + Duration::from_millis(1), false, later);
        assert_eq!((taking.look_at, taking.told_at), (None, None));
    }
}
