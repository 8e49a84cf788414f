//! A lock for each payment.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::OwnedMutexGuard;
use values::PaymentId;

type Locks = HashMap<PaymentId, Arc<tokio::sync::Mutex<()>>>;

/// Locks by payment, so that only one task at a time calls Stripe about a payment. This saves requests; concurrent calls
/// would be correct, too.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyedLocks(Arc<Mutex<Locks>>);

/// Holds the lock of one payment until it is dropped.
#[derive(Debug)]
pub(super) struct KeyedGuard {
    locks: KeyedLocks,
    payment: PaymentId,
    /// `None` while it waits for the lock, and while it is being dropped.
    guard: Option<OwnedMutexGuard<()>>,
}

impl KeyedLocks {
    /// Waits for the lock of a payment. Dropping the future ends the wait.
    pub(super) async fn lock(&self, payment: PaymentId) -> KeyedGuard {
        let lock = Arc::clone(self.map().entry(payment).or_default());
        // Removes the lock after a wait that has ended without it, too.
        let mut waiting = self.guard(payment, None);
        waiting.guard = Some(lock.lock_owned().await);
        waiting
    }

    /// Takes the lock of a payment if it is free.
    pub(super) fn try_lock(&self, payment: PaymentId) -> Option<KeyedGuard> {
        let mut map = self.map();
        let guard = Arc::clone(map.entry(payment).or_default()).try_lock_owned();
        drop(map);
        Some(self.guard(payment, Some(guard.ok()?)))
    }

    fn guard(&self, payment: PaymentId, guard: Option<OwnedMutexGuard<()>>) -> KeyedGuard {
        KeyedGuard {
            locks: self.clone(),
            payment,
            guard,
        }
    }

    fn map(&self) -> MutexGuard<'_, Locks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for KeyedGuard {
    fn drop(&mut self) {
        let mut map = self.locks.map();
        drop(self.guard.take());
        // A waiting task owns a clone of the lock, and clones are made only under the mutex that is held here.
        if map.get(&self.payment).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            map.remove(&self.payment);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::test_support::NOW;

    #[tokio::test]
    async fn a_lock_has_one_holder_and_is_removed_after_the_last() {
        let (locks, now) = (KeyedLocks::default(), NOW);
        let (one, other) = (PaymentId::new(now), PaymentId::new(now));
        let guard = locks.try_lock(one).unwrap();
        assert!(locks.try_lock(one).is_none());
        assert!(locks.try_lock(other).is_some());
        let waiting = locks.clone();
        let waiting = async move { drop(waiting.lock(one).await) };
        let ((), ()) = tokio::join!(waiting, async { drop(guard) });
        assert!(locks.map().is_empty());
    }

    #[tokio::test]
    async fn a_wait_that_is_dropped_leaves_no_lock_behind() {
        let (locks, one) = (KeyedLocks::default(), PaymentId::new(NOW));
        let guard = locks.try_lock(one).unwrap();
        assert!(timeout(Duration::from_millis(1), locks.lock(one)).await.is_err());
        drop(guard);
        assert!(locks.map().is_empty());

        // The wait has been given the lock, and ends without being continued.
        let guard = locks.try_lock(one).unwrap();
        let mut wait = Box::pin(locks.lock(one));
        assert!(timeout(Duration::from_millis(1), &mut wait).await.is_err());
        drop(guard);
        drop(wait);
        assert!(locks.map().is_empty());
    }
}
