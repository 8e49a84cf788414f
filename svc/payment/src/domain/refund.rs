//! A refund: the state machine.
//!
//! ```text
//!   requested ──> pending ──> succeeded
//!     │             │            │
//!     └─────────────┴─> failed <─┘
//! ```
//!
//! An order requests it and Stripe decides; a refund can also be made in Stripe's dashboard. A refund can fail days after
//! it succeeded (<https://docs.stripe.com/refunds#failed-refunds>).

use values::{Money, PaymentId, RefundId, Timestamp, text_enum};

use super::{
    Retry, RetrySchedule, refund_failure,
    stripe_key::{STRIPE_KEY_LIFETIME, STRIPE_KEY_USE},
};

/// How many server errors of Stripe a key may get before another one is used.
const ATTEMPTS_PER_KEY: u32 = 4;

/// Money that goes back to a buyer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refund {
    state: RefundState,
}

/// The stored values of a refund.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RefundState {
    pub(crate) id: RefundId,
    pub(crate) payment_id: PaymentId,
    pub(crate) amount: Money,
    /// Whether it was made in Stripe's dashboard, without the request of an order.
    pub(crate) made_at_stripe: bool,
    pub(crate) status: RefundStatus,
    /// Stripe's id of the refund, once it is known.
    pub(crate) stripe_id: Option<String>,
    /// Why it failed, for people.
    pub(crate) failure: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Requests without a result, and when the next one is due.
    pub(crate) retry: Retry,
    /// How many idempotency keys have a final response that is an error of Stripe or of the account's balance.
    pub(crate) spent_keys: u32,
}

text_enum! {
    /// The status of a refund.
    pub(crate) enum RefundStatus {
        /// Stripe has not confirmed it yet.
        Requested = "asked",
        /// Stripe is processing it.
        Pending = "pending",
        /// The money is on its way to the buyer.
        Succeeded = "succeeded",
        /// The money stays with the payment.
        Failed = "failed",
    }
}

/// A refund as Stripe reports it (<https://docs.stripe.com/api/refunds/object>).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StripeRefund {
    pub(crate) id: String,
    /// Minor units.
    pub(crate) amount: i64,
    pub(crate) status: StripeRefundStatus,
    /// Stripe's code for why it failed.
    pub(crate) failure_reason: Option<String>,
    /// The refund named in its metadata.
    pub(crate) refund_id: Option<RefundId>,
}

/// The status of a refund at Stripe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StripeRefundStatus {
    /// Stripe is processing it.
    Pending,
    /// The money is on its way to the buyer.
    Succeeded,
    /// It failed or was cancelled.
    Failed,
}

impl StripeRefundStatus {
    /// Reads Stripe's text.
    pub(crate) fn from_stripe(status: &str) -> Self {
        match status {
            "succeeded" => Self::Succeeded,
            "failed" | "canceled" => Self::Failed,
            _ => Self::Pending,
        }
    }
}

/// The result of a request for a refund.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum RefundResult {
    /// Stripe has the refund.
    Created(StripeRefund),
    /// Stripe refused it, and would again. Holds Stripe's code.
    Refused(String),
    /// No answer, or one without a result: the refund may exist or not. Holds the reason, for the log.
    Unknown(String),
    /// A server error of Stripe, which remains the response to this key. Holds the reason, for the log.
    KeySpent(String),
    /// The account's balance does not cover it; this remains the response to this key. Holds the reason, for the log.
    InsufficientBalance(String),
}

/// A request to Stripe about a refund. Both list the refunds of the payment first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum RefundCall {
    /// Create the refund with this idempotency key, unless it is in the list.
    Create(String),
    /// Only search the list: the old key may expire at any moment, and a new one could create a second refund.
    Find,
}

impl Refund {
    /// A refund that an order requests.
    pub(crate) const fn request(id: RefundId, payment_id: PaymentId, amount: Money, now: Timestamp) -> Self {
        Self::from_state(RefundState {
            id,
            payment_id,
            amount,
            made_at_stripe: false,
            status: RefundStatus::Requested,
            stripe_id: None,
            failure: None,
            created_at: now,
            updated_at: now,
            retry: Retry::at(now),
            spent_keys: 0,
        })
    }

    /// A refund that only Stripe has a record of: made in its dashboard, or lost with a restored database.
    pub(crate) fn found_at_stripe(
        payment_id: PaymentId,
        amount: Money,
        stripe_refund: &StripeRefund,
        now: Timestamp,
    ) -> Self {
        let id = stripe_refund.refund_id.unwrap_or_else(|| RefundId::new(now));
        Self::from_state(RefundState {
            made_at_stripe: stripe_refund.refund_id.is_none(),
            stripe_id: Some(stripe_refund.id.clone()),
            ..Self::request(id, payment_id, amount, now).state
        })
    }

    /// Rebuilds a refund from its stored values.
    pub(crate) const fn from_state(state: RefundState) -> Self {
        Self { state }
    }

    /// Returns the values to store or publish.
    pub(crate) const fn state(&self) -> &RefundState {
        &self.state
    }

    pub(crate) const fn id(&self) -> RefundId {
        self.state.id
    }

    pub(crate) const fn payment_id(&self) -> PaymentId {
        self.state.payment_id
    }

    pub(crate) const fn amount(&self) -> Money {
        self.state.amount
    }

    pub(crate) const fn status(&self) -> RefundStatus {
        self.state.status
    }

    /// Returns the request to Stripe that is due.
    pub(crate) fn next_call(&self, now: Timestamp) -> Option<RefundCall> {
        if self.state.status != RefundStatus::Requested || !self.state.retry.is_due(now) {
            return None;
        }
        let age = self.state.created_at.until(now);
        let expired_keys = age.as_secs() / STRIPE_KEY_LIFETIME.as_secs();
        if age.as_secs() % STRIPE_KEY_LIFETIME.as_secs() >= STRIPE_KEY_USE.as_secs() {
            return Some(RefundCall::Find);
        }
        Some(RefundCall::Create(match (expired_keys, self.state.spent_keys) {
            (0, 0) => self.state.id.to_string(),
            (expired, spent) => format!("{}-{expired}-{spent}", self.state.id),
        }))
    }

    /// Applies the result of a request; returns whether the status changed.
    pub(crate) fn apply_result(&mut self, result: &RefundResult, now: Timestamp) -> bool {
        match (self.state.status, result) {
            (_, RefundResult::Created(stripe_refund)) => self.apply_stripe_refund(stripe_refund, now),
            (RefundStatus::Requested, RefundResult::Refused(code)) => {
                self.fail(refund_failure::refusal_message(code), now);
                true
            }
            (RefundStatus::Requested, RefundResult::Unknown(_)) => {
                self.state.retry.postpone(RetrySchedule::UNANSWERED, now);
                false
            }
            (RefundStatus::Requested, RefundResult::InsufficientBalance(_)) => {
                // The balance grows with every sale, or by a bank transfer within days.
                self.state.retry.postpone(RetrySchedule::NO_RESULT_YET, now);
                self.state.spent_keys += 1;
                false
            }
            (RefundStatus::Requested, RefundResult::KeySpent(_)) => {
                self.state.retry.postpone(RetrySchedule::UNANSWERED, now);
                // Stripe's response to the key is final, and its list has shown no refund several times: use another key.
                if self.state.retry.failed_attempts().is_multiple_of(ATTEMPTS_PER_KEY) {
                    self.state.spent_keys += 1;
                }
                false
            }
            _ => false,
        }
    }

    /// Applies the status of the refund at Stripe; returns whether the status changed.
    pub(crate) fn apply_stripe_refund(&mut self, stripe_refund: &StripeRefund, now: Timestamp) -> bool {
        // An existing refund outweighs an earlier refusal to create it.
        let is_new = self.state.stripe_id.is_none() || self.state.status == RefundStatus::Requested;
        self.state.stripe_id = Some(stripe_refund.id.clone());
        let next = match (self.state.status, stripe_refund.status) {
            (RefundStatus::Requested | RefundStatus::Pending | RefundStatus::Succeeded, StripeRefundStatus::Failed) => {
                let reason = stripe_refund.failure_reason.as_deref();
                self.fail(refund_failure::failure_message(reason), now);
                return true;
            }
            (RefundStatus::Requested | RefundStatus::Pending, StripeRefundStatus::Succeeded) => RefundStatus::Succeeded,
            (RefundStatus::Requested, StripeRefundStatus::Pending) => RefundStatus::Pending,
            (RefundStatus::Failed, StripeRefundStatus::Succeeded) if is_new => RefundStatus::Succeeded,
            (RefundStatus::Failed, StripeRefundStatus::Pending) if is_new => RefundStatus::Pending,
            _ => return false,
        };
        self.state.failure = None;
        self.enter(next, now);
        true
    }

    /// Whether the amount is zero, so that Stripe is not involved.
    pub(crate) const fn is_free(&self) -> bool {
        self.state.amount.is_free()
    }

    /// Completes a refund of a free order.
    pub(crate) fn succeed(&mut self, now: Timestamp) {
        self.enter(RefundStatus::Succeeded, now);
    }

    /// Ends it without a movement of money.
    pub(crate) fn fail(&mut self, reason: &str, now: Timestamp) {
        self.state.failure = Some(reason.to_owned());
        self.enter(RefundStatus::Failed, now);
    }

    fn enter(&mut self, status: RefundStatus, now: Timestamp) {
        self.state.status = status;
        // A clock that was set back must not make the refund younger.
        self.state.updated_at = now.max(self.state.updated_at);
        self.state.retry = Retry::at(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::test_support::{NOW, usd};

    fn requested() -> Refund {
        Refund::request(RefundId::new(NOW), PaymentId::new(NOW), usd(1000), NOW)
    }

    fn stripe_refund(status: StripeRefundStatus) -> StripeRefund {
        StripeRefund {
            id: "re_1".to_owned(),
            amount: 1000,
            status,
            failure_reason: None,
            refund_id: None,
        }
    }

    #[test]
    fn the_same_request_has_the_same_key_and_an_old_key_is_not_used() {
        let refund = requested();
        let call = |hours| refund.next_call(NOW + Duration::from_hours(hours));
        assert_eq!(call(0), Some(RefundCall::Create(refund.state.id.to_string())));
        assert_eq!(call(22), call(0));
        assert_eq!(call(23), Some(RefundCall::Find));
        assert_eq!(call(24), Some(RefundCall::Create(format!("{}-1-0", refund.state.id))));
        assert_eq!(call(47), Some(RefundCall::Find));
    }

    #[test]
    fn without_an_answer_the_state_stays_and_the_request_is_repeated_later() {
        let mut refund = requested();
        for delay in [1, 2, 4, 8, 16, 32, 45, 45] {
            assert!(!refund.apply_result(&RefundResult::Unknown("lost".to_owned()), NOW));
            assert_eq!(
                (refund.state.status, refund.state.retry.next_at()),
                (RefundStatus::Requested, NOW + Duration::from_secs(delay))
            );
            assert_eq!(refund.next_call(NOW), None);
        }
    }

    #[test]
    fn a_key_with_server_errors_is_replaced_after_some_attempts() {
        let mut refund = requested();
        for _ in 0..ATTEMPTS_PER_KEY {
            assert_eq!(refund.state.spent_keys, 0);
            assert!(!refund.apply_result(&RefundResult::KeySpent("500".to_owned()), NOW));
        }
        let later = refund.state.retry.next_at();
        assert_eq!(
            refund.next_call(later),
            Some(RefundCall::Create(format!("{}-0-1", refund.state.id)))
        );
    }

    #[test]
    fn a_refund_that_the_balance_does_not_cover_is_repeated_with_other_keys_and_growing_delays() {
        let mut refund = requested();
        let mut now = NOW;
        for (spent, delay) in (1..).zip([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]) {
            assert!(!refund.apply_result(&RefundResult::InsufficientBalance("no money".to_owned()), now));
            assert_eq!(
                (refund.state.status, refund.state.retry.next_at()),
                (RefundStatus::Requested, now + Duration::from_secs(delay))
            );
            now = refund.state.retry.next_at();
            assert_eq!(
                refund.next_call(now),
                Some(RefundCall::Create(format!("{}-0-{spent}", refund.state.id)))
            );
        }
        assert!(refund.apply_result(
            &RefundResult::Created(stripe_refund(StripeRefundStatus::Succeeded)),
            now
        ));
        assert_eq!(refund.state.status, RefundStatus::Succeeded);
    }

    #[test]
    fn a_refund_that_succeeded_can_still_fail_and_stays_failed() {
        let mut refund = requested();
        assert!(refund.apply_stripe_refund(&stripe_refund(StripeRefundStatus::Succeeded), NOW));
        assert!(!refund.apply_stripe_refund(&stripe_refund(StripeRefundStatus::Pending), NOW));
        assert!(refund.apply_stripe_refund(&stripe_refund(StripeRefundStatus::Failed), NOW));
        assert!(!refund.apply_stripe_refund(&stripe_refund(StripeRefundStatus::Succeeded), NOW));
        assert_eq!(refund.state.status, RefundStatus::Failed);
        assert!(refund.state.failure.is_some());
    }

    #[test]
    fn a_refund_that_stripe_refused_but_has_succeeds() {
        let mut refund = requested();
        assert!(refund.apply_result(&RefundResult::Refused("charge_disputed".to_owned()), NOW));
        assert_eq!(refund.state.status, RefundStatus::Failed);
        assert!(refund.apply_stripe_refund(&stripe_refund(StripeRefundStatus::Succeeded), NOW));
        assert_eq!(
            (refund.state.status, refund.state.failure),
            (RefundStatus::Succeeded, None)
        );
    }

    proptest! {
        #[test]
        fn in_any_order_of_results_the_last_status_of_stripe_wins(
            early in prop::collection::vec(0..4_u8, 0..8),
            fails in any::<bool>(),
        ) {
            let mut refund = requested();
            for step in early {
                let _ = match step {
                    0 => refund.apply_result(&RefundResult::Unknown(String::new()), NOW),
                    1 => refund.apply_stripe_refund(&stripe_refund(StripeRefundStatus::Pending), NOW),
                    2 => refund.apply_stripe_refund(&stripe_refund(StripeRefundStatus::Succeeded), NOW),
                    _ if fails => refund.apply_stripe_refund(&stripe_refund(StripeRefundStatus::Failed), NOW),
                    _ => false,
                };
                prop_assert_eq!(refund.state.status == RefundStatus::Failed, refund.state.failure.is_some());
            }
            let (last, end) = if fails {
                (StripeRefundStatus::Failed, RefundStatus::Failed)
            } else {
                (StripeRefundStatus::Succeeded, RefundStatus::Succeeded)
            };
            refund.apply_stripe_refund(&stripe_refund(last), NOW);
            prop_assert_eq!(refund.state.status, end);
        }
    }
}
