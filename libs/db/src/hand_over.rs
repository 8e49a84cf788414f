//! Values that commands hand over to another part of the service, once they are committed.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The size of the values that wait for their receiver, in bytes, above which further ones are dropped.
const MAX_WAITING_BYTES: usize = 4 * 1024 * 1024;

/// A value of a command, and its approximate size in bytes.
pub(crate) type HandedOver = (Box<dyn Any + Send>, usize);

/// The values of committed commands, in the order of their commits, until a [`CommittedValues`] takes them.
#[derive(Debug, Default)]
pub(crate) struct HandOver {
    waiting: Mutex<Waiting>,
    added: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    has_receiver: bool,
    values: VecDeque<HandedOver>,
    bytes: usize,
}

impl HandOver {
    /// Adds the values of one commit. Without a receiver they are dropped.
    pub(crate) fn add(&self, values: Vec<HandedOver>) {
        if values.is_empty() {
            return;
        }
        let mut waiting = self.lock();
        if !waiting.has_receiver {
            return;
        }
        for (value, bytes) in values {
            if waiting.bytes + bytes <= MAX_WAITING_BYTES {
                waiting.bytes += bytes;
                waiting.values.push_back((value, bytes));
            }
        }
        drop(waiting);
        self.added.notify_one();
    }

    /// Adds the receiver. There is one at most: a later one takes the place of an earlier one.
    pub(crate) fn receiver(self: &Arc<Self>) -> CommittedValues {
        self.lock().has_receiver = true;
        CommittedValues(Arc::clone(self))
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Receives what commands [hand over](crate::Tx::hand_over), after their commit and in its order.
///
/// It is an optimisation of reading the same from the database: values are missing that were committed before the receiver was
/// created, by another process, or while too many waited.
#[derive(Debug)]
pub struct CommittedValues(Arc<HandOver>);

impl CommittedValues {
    /// Takes up to `limit` values of the type `T`. Values of other types are dropped.
    pub fn take<T: Any>(&self, limit: usize) -> Vec<T> {
        let mut waiting = self.0.lock();
        let mut values = Vec::new();
        while values.len() < limit
            && let Some((value, bytes)) = waiting.values.pop_front()
        {
            waiting.bytes -= bytes;
            values.extend(value.downcast::<T>().ok().map(|value| *value));
        }
        values
    }

    /// Drops all values.
    pub fn clear(&self) {
        let mut waiting = self.0.lock();
        waiting.values.clear();
        waiting.bytes = 0;
    }

    /// Waits until a value was added since the last wait. Cancel safe.
    pub async fn added(&self) {
        self.0.added.notified().await;
    }
}
