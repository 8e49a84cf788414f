//! Values that commands hand over to other parts of the service, once they are committed.

use std::any::{Any, TypeId};
use std::collections::{HashMap, VecDeque};
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The size of the values of one type that wait for their receiver, in bytes, above which further ones are dropped.
const MAX_WAITING_BYTES: usize = 4 * 1024 * 1024;

/// A value of a command, and its approximate size in bytes.
pub(crate) type HandedOver = (Box<dyn Any + Send>, usize);

/// The values of committed commands by type, in the order of their commits, until a [`CommittedValues`] takes them.
#[derive(Debug, Default)]
pub(crate) struct HandOver(Mutex<HashMap<TypeId, Waiting>>);

/// The values of a type that has a receiver.
#[derive(Debug, Default)]
struct Waiting {
    values: VecDeque<HandedOver>,
    bytes: usize,
    added: Arc<Notify>,
}

impl HandOver {
    /// Adds the values of one commit. Those of a type without a receiver are dropped.
    pub(crate) fn add(&self, values: Vec<HandedOver>) {
        if values.is_empty() {
            return;
        }
        let mut waiting = self.lock();
        for (value, bytes) in values {
            let Some(of_type) = waiting.get_mut(&value.as_ref().type_id()) else {
                continue;
            };
            if of_type.bytes + bytes <= MAX_WAITING_BYTES {
                of_type.bytes += bytes;
                of_type.values.push_back((value, bytes));
            }
            of_type.added.notify_one();
        }
    }

    /// Adds the receiver of a type. There is one at most: a later one takes the place of an earlier one.
    pub(crate) fn receiver<T: Any>(self: &Arc<Self>) -> CommittedValues<T> {
        let added = Arc::clone(&self.lock().entry(TypeId::of::<T>()).or_default().added);
        CommittedValues {
            hand_over: Arc::clone(self),
            added,
            of: PhantomData,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TypeId, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Receives the values of a type that commands [hand over](crate::Tx::hand_over), after their commit and in its order.
///
/// It is an optimisation of reading the same from the database: values are missing that were committed before the receiver was
/// created, by another process, or while too many waited.
#[derive(Debug)]
pub struct CommittedValues<T> {
    hand_over: Arc<HandOver>,
    added: Arc<Notify>,
    of: PhantomData<fn() -> T>,
}

impl<T: Any> CommittedValues<T> {
    /// Takes up to `limit` values.
    pub fn take(&self, limit: usize) -> Vec<T> {
        let mut waiting = self.hand_over.lock();
        let mut values = Vec::new();
        let Some(of_type) = waiting.get_mut(&TypeId::of::<T>()) else {
            return values;
        };
        while values.len() < limit
            && let Some((value, bytes)) = of_type.values.pop_front()
        {
            of_type.bytes -= bytes;
            values.extend(value.downcast::<T>().ok().map(|value| *value));
        }
        values
    }

    /// Drops all values.
    pub fn clear(&self) {
        if let Some(of_type) = self.hand_over.lock().get_mut(&TypeId::of::<T>()) {
            of_type.values.clear();
            of_type.bytes = 0;
        }
    }

    /// Waits until a value was added since the last wait. Cancel safe.
    pub async fn added(&self) {
        self.added.notified().await;
    }
}
