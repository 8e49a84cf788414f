use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use crate::Error;

/// The result of a read: `None` if there is no such value.
pub(super) type Outcome<V> = Result<Option<V>, Error>;

/// A read that several callers wait for.
pub(super) type ReadFuture<V> = Shared<BoxFuture<'static, Outcome<V>>>;

/// The reads in progress, at most one for each key. Callers share a read that began after they arrived.
///
/// A caller that arrives after the database was changed waits for the running read and the next one, which begins when
/// the running one ends. So a rush of callers costs one read per key and change at most, however many callers and changes
/// there are, and no key occupies more than one connection.
#[derive(Debug)]
pub(super) struct SharedReads<K, V>(Arc<Mutex<HashMap<K, SharedRead<V>>>>);

/// The newest read of a key. It ends with its last caller.
#[derive(Debug)]
struct SharedRead<V> {
    generation: GenerationRead,
    future: WeakShared<BoxFuture<'static, Outcome<V>>>,
}

/// How a caller gets the value of a key.
pub(super) enum Joined<V> {
    /// A read has stored it in the meantime.
    Stored(V),
    /// By the read of another caller.
    Shared(ReadFuture<V>),
    /// By the read that it has started.
    Started(ReadFuture<V>),
}

/// The generation that a read sees at least; unset until it begins.
#[derive(Clone, Debug, Default)]
pub(super) struct GenerationRead(Arc<OnceLock<u64>>);

impl GenerationRead {
    /// Records the generation at which the read begins.
    pub(super) fn begin(&self, generation: u64) {
        // Set once, by the only read that it belongs to.
        let _ = self.0.set(generation);
    }

    /// Whether the read sees every commit up to `generation`.
    fn sees(&self, generation: u64) -> bool {
        self.0.get().is_none_or(|read| *read >= generation)
    }
}

impl<K, V> Default for SharedReads<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, V> SharedReads<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Joins the read of `key` that sees `generation`, or starts one with `read`, which gets the place for the generation at
    /// which it begins.
    ///
    /// If nothing is read, `stored` is asked first: a read stores its value before it leaves, so one that has ended since
    /// the caller looked is not repeated.
    pub(super) fn join<F>(
        &self,
        key: &K,
        generation: u64,
        stored: impl FnOnce() -> Option<V>,
        read: impl FnOnce(GenerationRead) -> F,
    ) -> Joined<V>
    where
        F: Future<Output = Outcome<V>> + Send + 'static,
    {
        let mut reads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = reads
            .get(key)
            .and_then(|read| Some((read.generation.clone(), read.future.upgrade()?)));
        let previous = match newest {
            Some((begun, future)) if begun.sees(generation) => return Joined::Shared(future),
            Some((_, future)) => Some(future),
            None => match stored() {
                Some(value) => return Joined::Stored(value),
                None => None,
            },
        };
        let begins = GenerationRead::default();
        let entry = EntryGuard {
            reads: Arc::clone(&self.0),
            key: key.clone(),
            generation: begins.clone(),
        };
        let read = read(begins.clone());
        let future = async move {
            let _entry = entry;
            if let Some(previous) = previous {
                let _ = previous.await;
            }
            read.await
        };
        let future: ReadFuture<V> = future.boxed().shared();
        if let Some(weak) = future.downgrade() {
            reads.insert(
                key.clone(),
                SharedRead {
                    generation: begins,
                    future: weak,
                },
            );
        }
        Joined::Started(future)
    }

    /// Returns the number of keys that are read.
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Removes the entry of a read when the read ends, or when all of its callers have gone.
struct EntryGuard<K: Eq + Hash, V> {
    reads: Arc<Mutex<HashMap<K, SharedRead<V>>>>,
    key: K,
    generation: GenerationRead,
}

impl<K: Eq + Hash, V> Drop for EntryGuard<K, V> {
    fn drop(&mut self) {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = reads.get(&self.key);
        // The entry may be that of a later read.
        if newest.is_some_and(|newest| Arc::ptr_eq(&newest.generation.0, &self.generation.0)) {
            reads.remove(&self.key);
        }
    }
}
