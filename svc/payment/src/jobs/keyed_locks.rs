//! One at a time, for each payment.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OwnedMutexGuard;
use values::PaymentId;

type Locks = HashMap<PaymentId, Arc<tokio::sync::Mutex<()>>>;

/// Gives out turns at payments. Only a courtesy to Stripe: two who ask at once come to the same result.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns(Arc<Mutex<Locks>>);

/// Somebody's turn at one payment, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Turns,
    payment: PaymentId,
    /// Taken when dropped.
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits for a turn.
    pub(crate) async fn wait(&self, payment: PaymentId) -> Turn {
        let lock = Arc::clone(self.locks().entry(payment).or_default());
        self.turn(payment, lock.lock_owned().await)
    }

    /// Takes a turn, if it is nobody else's.
    pub(crate) fn take(&self, payment: PaymentId) -> Option<Turn> {
        let mut locks = self.locks();
        let guard = Arc::clone(locks.entry(payment).or_default()).try_lock_owned();
        drop(locks);
        Some(self.turn(payment, guard.ok()?))
    }

    fn turn(&self, payment: PaymentId, guard: OwnedMutexGuard<()>) -> Turn {
        Turn {
            turns: self.clone(),
            payment,
            guard: Some(guard),
        }
    }

    fn locks(&self) -> MutexGuard<'_, Locks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut locks = self.turns.locks();
        drop(self.guard.take());
        // Whoever waits has a clone of its own; new ones are given out under the lock that is held here.
        if locks
            .get(&self.payment)
            .is_some_and(|lock| Arc::strong_count(lock) == 1)
        {
            locks.remove(&self.payment);
        }
    }
}

#[cfg(test)]
mod tests {
    use values::Timestamp;

    use super::*;

    #[tokio::test]
    async fn one_payment_is_one_persons_turn_and_nothing_is_left_over() {
        let (turns, now) = (Turns::default(), Timestamp::from_millis(0));
        let (one, other) = (PaymentId::new(now), PaymentId::new(now));
        let turn = turns.take(one).unwrap();
        assert!(turns.take(one).is_none());
        assert!(turns.take(other).is_some());
        let waiting = turns.clone();
        let waiting = async move { drop(waiting.wait(one).await) };
        let ((), ()) = tokio::join!(waiting, async { drop(turn) });
        assert!(turns.locks().is_empty());
    }

    #[tokio::test]
    async fn who_stops_waiting_leaves_nothing_behind_for_long() {
        let (turns, one) = (Turns::default(), PaymentId::new(Timestamp::from_millis(0)));
        let turn = turns.take(one).unwrap();
        {
            let mut waiting = std::pin::pin!(turns.wait(one));
            let waker = std::task::Waker::noop();
            let mut context = std::task::Context::from_waker(waker);
            assert!(Future::poll(waiting.as_mut(), &mut context).is_pending());
        }
        drop(turn);
        assert!(turns.locks().is_empty());
    }
}
