use events::{CancelReason, Event, Order, OrderStatus};
use values::{OrderId, Timestamp, UserId, text_enum};

/// The time that an order has.
///
/// Its state follows from the newest state of the order that was heard of, whatever was heard before; only whether an
/// open order's deadline was announced is decided here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Timer {
    pub(crate) order_id: OrderId,
    pub(crate) buyer_id: UserId,
    pub(crate) deadline: Timestamp,
    /// The version of the order that this timer is for.
    pub(crate) order_version: u64,
    pub(crate) state: State,
}

/// What became of the deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// It is ahead, or has passed just now.
    Pending,
    /// It has passed, and the order service was told, or has itself ended the order for that reason.
    Expired,
    /// It no longer matters: the order cannot expire any more.
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

/// Why a timer did not expire now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NotNow {
    /// Its deadline is ahead.
    Early,
    /// It has expired already, or was stopped.
    Over,
}

impl Timer {
    /// The timer of an order, given what was known of it before; `None` if that is no news.
    pub(crate) fn following(known: Option<&Self>, order: &Order) -> Option<Self> {
        if known.is_some_and(|known| known.order_version >= order.version) {
            return None;
        }
        let state = match order.status {
            OrderStatus::Created => match known {
                // This deadline was announced; once is enough.
                Some(known) if known.state == State::Expired && known.deadline == order.expires_at => State::Expired,
                _ => State::Pending,
            },
            OrderStatus::AwaitingPayment => State::Stopped(StoppedBy::AwaitingPayment),
            OrderStatus::Complete => State::Stopped(StoppedBy::Complete),
            OrderStatus::Cancelled if order.cancel_reason == Some(CancelReason::Expired) => State::Expired,
            OrderStatus::Cancelled => State::Stopped(StoppedBy::Cancelled),
        };
        Some(Self {
            order_id: order.id,
            buyer_id: order.buyer_id,
            deadline: order.expires_at,
            order_version: order.version,
            state,
        })
    }

    /// Whether it has to be wound up, given what was known before.
    pub(crate) fn starts(&self, known: Option<&Self>) -> bool {
        let running = known.is_some_and(|known| known.state == State::Pending && known.deadline == self.deadline);
        self.state == State::Pending && !running
    }

    /// Ends the time of an order whose deadline has passed: a proposal, the order service decides.
    pub(crate) fn expire(&mut self, now: Timestamp) -> Result<events::Expiration, NotNow> {
        if self.state != State::Pending {
            return Err(NotNow::Over);
        }
        if now < self.deadline {
            return Err(NotNow::Early);
        }
        self.state = State::Expired;
        Ok(self.expiration())
    }

    /// Ends it as it was announced to have ended; says whether that is news.
    pub(crate) fn take_back(&mut self, said: &events::Expiration) -> bool {
        let news = self.state == State::Pending && self.deadline == said.deadline;
        if news {
            self.state = State::Expired;
        }
        news
    }

    /// What is to be said to an order service that may have forgotten how the order ended: that its time is over.
    ///
    /// Not of an order that was confirmed: its payment says what became of it.
    pub(crate) fn reminder(&self, now: Timestamp) -> Option<events::Expiration> {
        let ended = matches!(self.state, State::Expired | State::Stopped(StoppedBy::Cancelled));
        (ended && self.deadline <= now).then(|| self.expiration())
    }

    /// A deadline belongs to a version of its order, so an announcement that was overtaken by a new deadline has a
    /// lower version than the next.
    fn expiration(&self) -> events::Expiration {
        events::Expiration {
            order_id: self.order_id,
            version: self.order_version,
            deadline: self.deadline,
        }
    }

    /// The message that rides the ladder for it.
    pub(crate) fn message(&self) -> Event {
        Event::ExpirationTimer(events::Timer {
            order_id: self.order_id,
            deadline: self.deadline,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use events::examples;

    use super::*;

    pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    pub(crate) const WINDOW: Duration = examples::ORDER_WINDOW;

    /// An order placed at noon.
    pub(crate) fn order() -> Order {
        Order {
            quantity: 2,
            total: examples::usd(3998),
            ..examples::order(NOON)
        }
    }

    /// The next state of an order.
    pub(crate) fn then(order: &Order, status: OrderStatus, cancel_reason: Option<CancelReason>) -> Order {
        Order {
            version: order.version + 1,
            status,
            cancel_reason,
            ..order.clone()
        }
    }

    fn timer(order: &Order) -> Timer {
        Timer::following(None, order).unwrap()
    }

    #[test]
    fn an_open_order_expires_once_and_not_before_its_deadline() {
        let mut timer = timer(&order());
        let early = timer.deadline - Duration::from_millis(1);
        assert_eq!(timer.expire(early), Err(NotNow::Early));
        assert_eq!(timer.expire(timer.deadline).unwrap().version, 1);
        assert_eq!(timer.expire(timer.deadline), Err(NotNow::Over));
    }

    #[test]
    fn a_confirmed_or_ended_order_does_not_expire() {
        for (status, by) in [
            (OrderStatus::AwaitingPayment, StoppedBy::AwaitingPayment),
            (OrderStatus::Complete, StoppedBy::Complete),
            (OrderStatus::Cancelled, StoppedBy::Cancelled),
        ] {
            let order = order();
            let mut stopped = Timer::following(Some(&timer(&order)), &then(&order, status, None)).unwrap();
            assert_eq!(stopped.state, State::Stopped(by));
            assert_eq!(stopped.expire(stopped.deadline), Err(NotNow::Over));
        }
    }

    #[test]
    fn the_order_service_decides_also_when_the_deadline_was_announced() {
        let order = order();
        let mut expired = timer(&order);
        expired.expire(expired.deadline).unwrap();
        let confirmed = then(&order, OrderStatus::AwaitingPayment, None);
        let timer = Timer::following(Some(&expired), &confirmed).unwrap();
        assert_eq!(timer.state, State::Stopped(StoppedBy::AwaitingPayment));
    }

    #[test]
    fn an_extended_order_has_a_new_deadline_even_after_the_old_one_was_announced() {
        let order = order();
        let mut expired = timer(&order);
        expired.expire(expired.deadline).unwrap();
        let unchanged = Timer::following(Some(&expired), &then(&order, OrderStatus::Created, None)).unwrap();
        assert_eq!(
            unchanged.state,
            State::Expired,
            "the deadline is the same: once is enough"
        );

        let later = Order {
            expires_at: order.expires_at + WINDOW,
            ..then(&order, OrderStatus::Created, None)
        };
        let mut timer = Timer::following(Some(&expired), &later).unwrap();
        assert!(timer.starts(Some(&expired)));
        assert_eq!(timer.expire(order.expires_at), Err(NotNow::Early));
        assert_eq!(timer.expire(later.expires_at).unwrap().version, 2);
    }

    #[test]
    fn only_what_was_not_confirmed_is_announced_again() {
        let order = order();
        let after = order.expires_at;
        for (status, reason, told) in [
            (OrderStatus::Created, None, false),
            (OrderStatus::AwaitingPayment, None, false),
            (OrderStatus::Complete, None, false),
            (OrderStatus::Cancelled, Some(CancelReason::User), true),
            (OrderStatus::Cancelled, Some(CancelReason::Expired), true),
        ] {
            let timer = timer(&then(&order, status, reason));
            assert_eq!(timer.reminder(after).is_some(), told, "{status:?} {reason:?}");
            assert_eq!(
                timer.reminder(order.expires_at - Duration::from_millis(1)),
                None,
                "not before its deadline"
            );
        }
    }
}
