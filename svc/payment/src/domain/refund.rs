//! Money on its way back to a buyer: the state machine. No SQL, no HTTP, no clock of its own.
//!
//! ```text
//!   asked ──> pending ──> succeeded
//!     │          │            │
//!     └──────────┴─> failed <─┘
//! ```
//!
//! An order asks, Stripe decides; also somebody at Stripe may have given money back without an order's asking. A refund can
//! fail days after it succeeded (<https://docs.stripe.com/refunds#failed-refunds>).

use std::time::Duration;

use values::{Money, PaymentId, RefundId, Timestamp};

use super::refund_failure as words;

/// How long a key of Stripe names the same request (<https://docs.stripe.com/api/idempotent_requests>).
const KEY_LIFETIME: Duration = Duration::from_hours(24);

/// For how long it is used: the rest is for clocks that differ, and for what is under way.
const KEY_IN_USE: Duration = Duration::from_hours(23);

/// How often a key is tried to which Stripe has answered with an error of its own.
const TRIES_PER_KEY: u32 = 4;

/// The longest pause between two tries: what is open is settled within a minute of Stripe being back.
const LONGEST_PAUSE: Duration = Duration::from_secs(45);

/// The longest pause before it is asked for again where the account's balance did not cover it: money comes with every sale,
/// or from a bank in days.
const LONGEST_PATIENCE: Duration = Duration::from_hours(1);

/// Money that is to go back to a buyer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refund {
    pub(crate) id: RefundId,
    pub(crate) payment_id: PaymentId,
    pub(crate) amount: Money,
    /// Whether somebody gave it back at Stripe, without an order's asking.
    pub(crate) by_hand: bool,
    pub(crate) state: State,
    /// Stripe's refund, once it is known.
    pub(crate) stripe_id: Option<String>,
    /// Why it failed, for people.
    pub(crate) failure: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// How often Stripe was asked for it and gave no answer.
    pub(crate) tries: u32,
    /// When it is asked again.
    pub(crate) next_try_at: Timestamp,
    /// How many idempotency keys Stripe has answered for ever with an error of its own, or that there is no money.
    pub(crate) spent_keys: u32,
}

/// Where a refund stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// Stripe is asked for it; whether it has begun, is not known yet.
    Asked,
    /// Stripe has begun it.
    Pending,
    /// The money is on its way to the buyer.
    Succeeded,
    /// The money is where it was.
    Failed,
}

/// A refund as Stripe has it (<https://docs.stripe.com/api/refunds/object>).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct GivenBack {
    pub(crate) id: String,
    /// Minor units.
    pub(crate) amount: i64,
    pub(crate) status: GivenBackStatus,
    /// Stripe's word for why it failed.
    pub(crate) failure_reason: Option<String>,
    /// The refund that it was made for, as its metadata says.
    pub(crate) refund_id: Option<RefundId>,
}

/// Where Stripe's refund stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum GivenBackStatus {
    /// It is under way.
    Pending,
    /// It is on its way to the buyer.
    Succeeded,
    /// It did not work, or was called off.
    Failed,
}

impl GivenBackStatus {
    /// Reads Stripe's word for it.
    pub(crate) fn of_word(word: &str) -> Self {
        match word {
            "succeeded" => Self::Succeeded,
            "failed" | "canceled" => Self::Failed,
            _ => Self::Pending,
        }
    }
}

/// What came of asking for a refund.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// This is it.
    GivenBack(GivenBack),
    /// There is none, and asking again would not help. The code is Stripe's.
    Refused(String),
    /// No answer, or none that says anything: it may have begun or not. The reason is for the log.
    Unknown(String),
    /// An error of Stripe's own, which stays its answer to this key.
    KeyIsSpent(String),
    /// There is none yet, for the account's balance does not cover it. That stays the answer to this key.
    NotCovered(String),
}

/// What is to be asked of Stripe. Before anything else, its list of refunds is looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum RefundCall {
    /// If there is none, ask for it with this key.
    Ask(String),
    /// Only look: too late to ask with the old key, too early for a new one.
    Look,
}

impl Refund {
    /// An order asks for it.
    pub(crate) const fn asked(id: RefundId, payment_id: PaymentId, amount: Money, now: Timestamp) -> Self {
        Self {
            id,
            payment_id,
            amount,
            by_hand: false,
            state: State::Asked,
            stripe_id: None,
            failure: None,
            created_at: now,
            updated_at: now,
            tries: 0,
            next_try_at: now,
            spent_keys: 0,
        }
    }

    /// Stripe has a refund that nobody here knows: made by hand, or forgotten with a backup.
    pub(crate) fn found(payment_id: PaymentId, amount: Money, given: &GivenBack, now: Timestamp) -> Self {
        Self {
            by_hand: given.refund_id.is_none(),
            stripe_id: Some(given.id.clone()),
            ..Self::asked(
                given.refund_id.unwrap_or_else(|| RefundId::new(now)),
                payment_id,
                amount,
                now,
            )
        }
    }

    /// What Stripe is to be asked next; `None` if it is not its turn.
    pub(crate) fn due(&self, now: Timestamp) -> Option<RefundCall> {
        if self.state != State::Asked || self.next_try_at > now {
            return None;
        }
        let age = self.created_at.until(now);
        let lifetimes = age.as_secs() / KEY_LIFETIME.as_secs();
        if age.as_secs() % KEY_LIFETIME.as_secs() >= KEY_IN_USE.as_secs() {
            return Some(RefundCall::Look);
        }
        Some(RefundCall::Ask(match (lifetimes, self.spent_keys) {
            (0, 0) => self.id.to_string(),
            (lifetimes, spent) => format!("{}-{lifetimes}-{spent}", self.id),
        }))
    }

    /// Goes on by what Stripe answered; says whether it came to stand differently.
    pub(crate) fn learn(&mut self, answer: &Answer, now: Timestamp) -> bool {
        match (self.state, answer) {
            (_, Answer::GivenBack(given)) => self.follow(given, now),
            (State::Asked, Answer::Refused(code)) => {
                self.fail(words::refused(code), now);
                true
            }
            (State::Asked, Answer::Unknown(_)) => {
                self.postpone(LONGEST_PAUSE, now);
                false
            }
            (State::Asked, Answer::NotCovered(_)) => {
                self.postpone(LONGEST_PATIENCE, now);
                self.spent_keys += 1;
                false
            }
            (State::Asked, Answer::KeyIsSpent(_)) => {
                self.postpone(LONGEST_PAUSE, now);
                // Stripe is done with that key, and its list shows no refund, again and again: another key may do.
                if self.tries.is_multiple_of(TRIES_PER_KEY) {
                    self.spent_keys += 1;
                }
                false
            }
            _ => false,
        }
    }

    /// Does as Stripe's refund does; says whether that made a difference.
    pub(crate) fn follow(&mut self, given: &GivenBack, now: Timestamp) -> bool {
        // Stripe's word that there is one outweighs its word that there would be none.
        let is_new = self.stripe_id.is_none() || self.state == State::Asked;
        self.stripe_id = Some(given.id.clone());
        let next = match (self.state, given.status) {
            (State::Asked | State::Pending | State::Succeeded, GivenBackStatus::Failed) => {
                self.fail(words::failed(given.failure_reason.as_deref()), now);
                return true;
            }
            (State::Asked | State::Pending, GivenBackStatus::Succeeded) => State::Succeeded,
            (State::Asked, GivenBackStatus::Pending) => State::Pending,
            (State::Failed, GivenBackStatus::Succeeded) if is_new => State::Succeeded,
            (State::Failed, GivenBackStatus::Pending) if is_new => State::Pending,
            _ => return false,
        };
        self.failure = None;
        self.enter(next, now);
        true
    }

    /// Whether there is nothing to ask Stripe for.
    pub(crate) const fn is_free(&self) -> bool {
        self.amount.is_free()
    }

    /// What cost nothing is given back at once.
    pub(crate) fn succeed(&mut self, now: Timestamp) {
        self.enter(State::Succeeded, now);
    }

    /// The money stays where it is.
    pub(crate) fn fail(&mut self, why: &str, now: Timestamp) {
        self.failure = Some(why.to_owned());
        self.enter(State::Failed, now);
    }

    fn postpone(&mut self, longest: Duration, now: Timestamp) {
        self.tries = self.tries.saturating_add(1);
        let pause = Duration::from_secs(1 << self.tries.saturating_sub(1).min(12));
        self.next_try_at = now + pause.min(longest);
    }

    fn enter(&mut self, state: State, now: Timestamp) {
        self.state = state;
        // A clock that was set back does not make a refund younger.
        self.updated_at = now.max(self.updated_at);
        self.tries = 0;
        self.next_try_at = now;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_811_000_000_000);

    fn asked() -> Refund {
        let usd = Money {
            amount: 1000,
            currency: "usd".parse().unwrap(),
        };
        Refund::asked(RefundId::new(NOW), PaymentId::new(NOW), usd, NOW)
    }

    fn given(status: GivenBackStatus) -> GivenBack {
        GivenBack {
            id: "re_1".to_owned(),
            amount: 1000,
            status,
            failure_reason: None,
            refund_id: None,
        }
    }

    #[test]
    fn the_same_question_has_the_same_key_and_an_old_key_is_not_used() {
        let refund = asked();
        let ask = |hours| refund.due(NOW + Duration::from_hours(hours));
        assert_eq!(ask(0), Some(RefundCall::Ask(refund.id.to_string())));
        assert_eq!(ask(22), ask(0));
        assert_eq!(ask(23), Some(RefundCall::Look));
        assert_eq!(ask(24), Some(RefundCall::Ask(format!("{}-1-0", refund.id))));
        assert_eq!(ask(47), Some(RefundCall::Look));
    }

    #[test]
    fn without_an_answer_it_is_asked_again_later_and_nothing_is_guessed() {
        let mut refund = asked();
        for pause in [1, 2, 4, 8, 16, 32, 45, 45] {
            assert!(!refund.learn(&Answer::Unknown("lost".to_owned()), NOW));
            assert_eq!(
                (refund.state, refund.next_try_at),
                (State::Asked, NOW + Duration::from_secs(pause))
            );
            assert_eq!(refund.due(NOW), None);
        }
    }

    #[test]
    fn a_key_that_stripe_has_spoilt_is_given_up_after_some_looks() {
        let mut refund = asked();
        for _ in 0..TRIES_PER_KEY {
            assert_eq!(refund.spent_keys, 0);
            assert!(!refund.learn(&Answer::KeyIsSpent("500".to_owned()), NOW));
        }
        let later = refund.next_try_at;
        assert_eq!(refund.due(later), Some(RefundCall::Ask(format!("{}-0-1", refund.id))));
    }

    #[test]
    fn what_the_balance_does_not_cover_is_asked_for_again_with_another_key_and_more_and_more_patience() {
        let mut refund = asked();
        let mut now = NOW;
        for (spent, pause) in (1..).zip([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]) {
            assert!(!refund.learn(&Answer::NotCovered("no money".to_owned()), now));
            assert_eq!(
                (refund.state, refund.next_try_at),
                (State::Asked, now + Duration::from_secs(pause))
            );
            now = refund.next_try_at;
            assert_eq!(
                refund.due(now),
                Some(RefundCall::Ask(format!("{}-0-{spent}", refund.id)))
            );
        }
        assert!(refund.learn(&Answer::GivenBack(given(GivenBackStatus::Succeeded)), now));
        assert_eq!(refund.state, State::Succeeded);
    }

    #[test]
    fn a_refund_that_succeeded_can_still_fail_and_then_stays_so() {
        let mut refund = asked();
        assert!(refund.follow(&given(GivenBackStatus::Succeeded), NOW));
        assert!(!refund.follow(&given(GivenBackStatus::Pending), NOW));
        assert!(refund.follow(&given(GivenBackStatus::Failed), NOW));
        assert!(!refund.follow(&given(GivenBackStatus::Succeeded), NOW));
        assert_eq!(refund.state, State::Failed);
        assert!(refund.failure.is_some());
    }

    #[test]
    fn one_that_stripe_refused_and_has_after_all_counts() {
        let mut refund = asked();
        assert!(refund.learn(&Answer::Refused("charge_disputed".to_owned()), NOW));
        assert_eq!(refund.state, State::Failed);
        assert!(refund.follow(&given(GivenBackStatus::Succeeded), NOW));
        assert_eq!((refund.state, refund.failure), (State::Succeeded, None));
    }

    proptest! {
        #[test]
        fn whatever_is_heard_in_whatever_order_the_last_word_of_stripe_counts(
            early in prop::collection::vec(0..4_u8, 0..8),
            fails in any::<bool>(),
        ) {
            let mut refund = asked();
            for word in early {
                let _ = match word {
                    0 => refund.learn(&Answer::Unknown(String::new()), NOW),
                    1 => refund.follow(&given(GivenBackStatus::Pending), NOW),
                    2 => refund.follow(&given(GivenBackStatus::Succeeded), NOW),
                    _ if fails => refund.follow(&given(GivenBackStatus::Failed), NOW),
                    _ => false,
                };
                prop_assert_eq!(refund.state == State::Failed, refund.failure.is_some());
            }
            let (last, end) = if fails {
                (GivenBackStatus::Failed, State::Failed)
            } else {
                (GivenBackStatus::Succeeded, State::Succeeded)
            };
            refund.follow(&given(last), NOW);
            prop_assert_eq!(refund.state, end);
        }
    }
}
