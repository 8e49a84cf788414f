//! The money of a captured payment: what Stripe did with it, and when Stripe is checked for changes.

use values::{Money, PaymentId, Timestamp};

use super::{Dispute, Retry, RetrySchedule, StripeRefund};

/// The money of a captured payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CapturedFunds {
    state: CapturedFundsState,
}

/// The stored values of captured funds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CapturedFundsState {
    pub(crate) payment_id: PaymentId,
    pub(crate) amount: Money,
    /// Minor units that Stripe has refunded or is refunding. Read only: triggers of the database sum it up.
    pub(crate) refunded: i64,
    /// Stripe's fee for the charge, once it is known.
    pub(crate) stripe_fee: Option<StripeFee>,
    /// Checks that found no change, and when the next one is due; `None` if no change is expected.
    pub(crate) next_check: Option<Retry>,
    /// When the last Stripe event arrived that no check has covered yet.
    pub(crate) notified_at: Option<Timestamp>,
}

/// A fee of Stripe, in the currency of the account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StripeFee {
    /// Minor units.
    pub(crate) amount: i64,
    /// ISO 4217, in lower case.
    pub(crate) currency: String,
}

/// What Stripe reports of captured money.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct FollowUpReport {
    /// Stripe's fee for the charge, once it is known.
    pub(crate) stripe_fee: Option<StripeFee>,
    /// All refunds of the payment.
    pub(crate) refunds: Vec<StripeRefund>,
    /// All disputes of the payment.
    pub(crate) disputes: Vec<Dispute>,
}

/// How much of a payment went back, for its buyer.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct RefundSummary {
    /// Minor units that were refunded or are being refunded.
    pub(crate) refunded: i64,
    /// The published dispute.
    pub(crate) dispute: Option<events::Dispute>,
}

impl CapturedFunds {
    /// Rebuilds captured funds from their stored values.
    pub(crate) const fn from_state(state: CapturedFundsState) -> Self {
        Self { state }
    }

    /// Returns the values to store.
    pub(crate) const fn state(&self) -> &CapturedFundsState {
        &self.state
    }

    pub(crate) const fn payment_id(&self) -> PaymentId {
        self.state.payment_id
    }

    pub(crate) const fn amount(&self) -> Money {
        self.state.amount
    }

    /// Minor units that Stripe has refunded or is refunding.
    pub(crate) const fn refunded(&self) -> i64 {
        self.state.refunded
    }

    /// Stores Stripe's fee; returns whether it is new. The first known fee is kept.
    pub(crate) fn set_stripe_fee(&mut self, fee: Option<&StripeFee>) -> bool {
        let is_new = self.state.stripe_fee.is_none() && fee.is_some();
        if is_new {
            self.state.stripe_fee = fee.cloned();
        }
        is_new
    }

    /// Records that Stripe was called at `called_at` and its report is stored. Another check follows if a refund is still
    /// pending, the fee is unknown, or an event arrived meanwhile.
    pub(crate) fn mark_checked(&mut self, called_at: Timestamp, has_pending_refund: bool, now: Timestamp) {
        self.state.notified_at = self.state.notified_at.filter(|notified_at| *notified_at >= called_at);
        if self.state.notified_at.is_some() {
            self.state.next_check = Some(Retry::new(self.failed_checks(), now));
        } else if has_pending_refund || self.state.stripe_fee.is_none() {
            self.schedule_check(RetrySchedule::NO_RESULT_YET, now);
        } else {
            self.state.next_check = None;
        }
    }

    /// Repeats a check that Stripe did not answer.
    pub(crate) fn postpone_check(&mut self, now: Timestamp) {
        self.schedule_check(RetrySchedule::UNANSWERED, now);
    }

    /// Whether Stripe has to be checked now.
    pub(crate) fn is_check_due(&self, now: Timestamp) -> bool {
        self.state.next_check.is_some_and(|check| check.is_due(now))
    }

    fn schedule_check(&mut self, schedule: RetrySchedule, now: Timestamp) {
        let mut check = Retry::new(self.failed_checks(), now);
        check.postpone(schedule, now);
        self.state.next_check = Some(check);
    }

    fn failed_checks(&self) -> u32 {
        self.state.next_check.map_or(0, Retry::failed_attempts)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::test_support::{NOW, usd};

    fn funds(failed_checks: u32, notified_at: Option<Timestamp>) -> CapturedFunds {
        CapturedFunds::from_state(CapturedFundsState {
            payment_id: PaymentId::new(NOW),
            amount: usd(1999),
            refunded: 0,
            stripe_fee: Some(StripeFee {
                amount: 88,
                currency: "usd".to_owned(),
            }),
            next_check: Some(Retry::new(failed_checks, NOW)),
            notified_at,
        })
    }

    fn next_check_at(funds: &CapturedFunds) -> Option<Timestamp> {
        funds.state.next_check.map(Retry::next_at)
    }

    #[test]
    fn without_open_refunds_and_with_the_fee_known_no_check_is_due() {
        let mut funds = funds(0, None);
        funds.mark_checked(NOW, false, NOW);
        assert_eq!(next_check_at(&funds), None);
    }

    #[test]
    fn a_missing_result_is_checked_with_growing_delays() {
        let mut checked = funds(0, None);
        for delay in [1, 2, 4, 8] {
            checked.mark_checked(NOW, true, NOW);
            assert_eq!(next_check_at(&checked), Some(NOW + Duration::from_secs(delay)));
        }
        let mut checked = funds(30, None);
        checked.mark_checked(NOW, true, NOW);
        assert_eq!(next_check_at(&checked), Some(NOW + Duration::from_hours(1)));
        checked.postpone_check(NOW);
        assert_eq!(next_check_at(&checked), Some(NOW + Duration::from_secs(45)));
    }

    #[test]
    fn an_event_during_a_check_causes_another_check() {
        let later = NOW + Duration::from_secs(1);
        let mut funds = funds(0, Some(later));
        funds.mark_checked(NOW, false, later);
        assert_eq!(
            (next_check_at(&funds), funds.state.notified_at),
            (Some(later), Some(later))
        );
        funds.mark_checked(later + Duration::from_millis(1), false, later);
        assert_eq!((next_check_at(&funds), funds.state.notified_at), (None, None));
    }
}
