//! The timer of an order: a state machine that decides whether and when an order expires.

use events::{CancelReason, Expiration, Order, OrderStatus};
use values::{OrderId, Timestamp, UserId, text_enum};

/// The timer of one order.
///
/// Its state follows from the newest version of the order, whatever was consumed before. Only the step from pending to
/// expired is decided here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Timer {
    order_id: OrderId,
    buyer_id: UserId,
    deadline: Timestamp,
    /// The version of the order that set this state.
    order_version: u64,
    state: TimerState,
}

/// Returns the start (exclusive) and the end (inclusive) of the second of a deadline. Timers of one second share a message.
pub(crate) const fn second_of(deadline: Timestamp) -> (Timestamp, Timestamp) {
    const SECOND: i64 = 1000;
    let start = (deadline.millis() - 1).div_euclid(SECOND) * SECOND;
    (Timestamp::from_millis(start), Timestamp::from_millis(start + SECOND))
}

/// The state of a timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TimerState {
    /// The order can expire, and its expiration was not published.
    Pending,
    /// The deadline has passed: the expiration was published, or the order service cancelled the order as expired.
    Expired,
    /// The order can no longer expire.
    Stopped(StoppedBy),
}

text_enum! {
    /// The status of an order that can no longer expire, as the order service writes it.
    pub(crate) enum StoppedBy {
        AwaitingPayment = "awaiting:payment",
        Complete = "complete",
        Cancelled = "cancelled",
    }
}

/// The reason why a timer cannot expire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum CannotExpire {
    /// Its deadline has not passed.
    BeforeDeadline,
    /// It has expired already, or was stopped.
    NotPending,
}

impl Timer {
    /// Builds a timer from its stored fields.
    pub(crate) const fn from_fields(
        order_id: OrderId,
        buyer_id: UserId,
        deadline: Timestamp,
        order_version: u64,
        state: TimerState,
    ) -> Self {
        Self {
            order_id,
            buyer_id,
            deadline,
            order_version,
            state,
        }
    }

    /// Returns the timer of an order, given its previous timer; `None` if the order's version is not newer.
    pub(crate) fn track(previous: Option<&Self>, order: &Order) -> Option<Self> {
        if previous.is_some_and(|previous| previous.order_version >= order.version) {
            return None;
        }
        let state = match order.status {
            OrderStatus::Created => match previous {
                // The expiration of this deadline was published; it is published once.
                Some(previous) if previous.state == TimerState::Expired && previous.deadline == order.expires_at => {
                    TimerState::Expired
                }
                _ => TimerState::Pending,
            },
            OrderStatus::AwaitingPayment => TimerState::Stopped(StoppedBy::AwaitingPayment),
            OrderStatus::Complete => TimerState::Stopped(StoppedBy::Complete),
            OrderStatus::Cancelled if order.cancel_reason == Some(CancelReason::Expired) => TimerState::Expired,
            OrderStatus::Cancelled => TimerState::Stopped(StoppedBy::Cancelled),
        };
        Some(Self {
            order_id: order.id,
            buyer_id: order.buyer_id,
            deadline: order.expires_at,
            order_version: order.version,
            state,
        })
    }

    /// Whether a timer message must be sent, given the previous timer.
    pub(crate) fn needs_message(&self, previous: Option<&Self>) -> bool {
        let was_sent = previous
            .is_some_and(|previous| previous.state == TimerState::Pending && previous.deadline == self.deadline);
        self.state == TimerState::Pending && !was_sent
    }

    /// Expires a pending timer whose deadline has passed. The order service decides whether the order ends.
    pub(crate) fn expire(&mut self, now: Timestamp) -> Result<Expiration, CannotExpire> {
        if self.state != TimerState::Pending {
            return Err(CannotExpire::NotPending);
        }
        if now < self.deadline {
            return Err(CannotExpire::BeforeDeadline);
        }
        self.state = TimerState::Expired;
        Ok(self.expiration())
    }

    /// Restores the expired state from a published expiration. Returns whether the timer changed.
    pub(crate) fn recover(&mut self, published: &Expiration) -> bool {
        let changes = self.state == TimerState::Pending && self.deadline == published.deadline;
        if changes {
            self.state = TimerState::Expired;
        }
        changes
    }

    /// Returns the expiration to publish again, for an order service that may have lost the order's end.
    ///
    /// A confirmed order has none: the event of its payment decides.
    pub(crate) fn republished_expiration(&self, now: Timestamp) -> Option<Expiration> {
        let ended = matches!(
            self.state,
            TimerState::Expired | TimerState::Stopped(StoppedBy::Cancelled)
        );
        (ended && self.deadline <= now).then(|| self.expiration())
    }

    /// Its version is that of the order, so that the expiration of an earlier deadline has a lower version.
    fn expiration(&self) -> Expiration {
        Expiration {
            order_id: self.order_id,
            version: self.order_version,
            deadline: self.deadline,
        }
    }

    pub(crate) const fn order_id(&self) -> OrderId {
        self.order_id
    }

    pub(crate) const fn buyer_id(&self) -> UserId {
        self.buyer_id
    }

    pub(crate) const fn deadline(&self) -> Timestamp {
        self.deadline
    }

    pub(crate) const fn order_version(&self) -> u64 {
        self.order_version
    }

    pub(crate) const fn state(&self) -> TimerState {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::test_support::{ORDER_WINDOW, next_version, order};

    fn timer(order: &Order) -> Timer {
        Timer::track(None, order).unwrap()
    }

    #[test]
    fn an_open_order_expires_once_and_not_before_its_deadline() {
        let mut timer = timer(&order());
        let early = timer.deadline - Duration::from_millis(1);
        assert_eq!(timer.expire(early), Err(CannotExpire::BeforeDeadline));
        assert_eq!(timer.expire(timer.deadline).unwrap().version, 1);
        assert_eq!(timer.expire(timer.deadline), Err(CannotExpire::NotPending));
    }

    #[test]
    fn a_confirmed_or_ended_order_does_not_expire() {
        for (status, by) in [
            (OrderStatus::AwaitingPayment, StoppedBy::AwaitingPayment),
            (OrderStatus::Complete, StoppedBy::Complete),
            (OrderStatus::Cancelled, StoppedBy::Cancelled),
        ] {
            let order = order();
            let mut stopped = Timer::track(Some(&timer(&order)), &next_version(&order, status, None)).unwrap();
            assert_eq!(stopped.state, TimerState::Stopped(by));
            assert_eq!(stopped.expire(stopped.deadline), Err(CannotExpire::NotPending));
        }
    }

    #[test]
    fn the_order_service_decides_after_an_expiration() {
        let order = order();
        let mut expired = timer(&order);
        expired.expire(expired.deadline).unwrap();
        let confirmed = next_version(&order, OrderStatus::AwaitingPayment, None);
        let timer = Timer::track(Some(&expired), &confirmed).unwrap();
        assert_eq!(timer.state, TimerState::Stopped(StoppedBy::AwaitingPayment));
    }

    #[test]
    fn an_extended_order_has_a_new_deadline_after_an_expiration() {
        let order = order();
        let mut expired = timer(&order);
        expired.expire(expired.deadline).unwrap();
        let unchanged = Timer::track(Some(&expired), &next_version(&order, OrderStatus::Created, None)).unwrap();
        assert_eq!(unchanged.state, TimerState::Expired, "the deadline is the same");

        let later = Order {
            expires_at: order.expires_at + ORDER_WINDOW,
            ..next_version(&order, OrderStatus::Created, None)
        };
        let mut timer = Timer::track(Some(&expired), &later).unwrap();
        assert!(timer.needs_message(Some(&expired)));
        assert_eq!(timer.expire(order.expires_at), Err(CannotExpire::BeforeDeadline));
        assert_eq!(timer.expire(later.expires_at).unwrap().version, 2);
    }

    #[test]
    fn only_the_expiration_of_an_unconfirmed_order_is_republished() {
        let order = order();
        let after = order.expires_at;
        for (status, reason, republished) in [
            (OrderStatus::Created, None, false),
            (OrderStatus::AwaitingPayment, None, false),
            (OrderStatus::Complete, None, false),
            (OrderStatus::Cancelled, Some(CancelReason::User), true),
            (OrderStatus::Cancelled, Some(CancelReason::Expired), true),
        ] {
            let timer = timer(&next_version(&order, status, reason));
            assert_eq!(
                timer.republished_expiration(after).is_some(),
                republished,
                "{status:?} {reason:?}"
            );
            assert_eq!(
                timer.republished_expiration(order.expires_at - Duration::from_millis(1)),
                None,
                "not before its deadline"
            );
        }
    }
}
