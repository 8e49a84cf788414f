//! Values that are stored once, and identified by an index.

use std::{collections::HashMap, hash::Hash, sync::Arc};

/// Values by index, and their indices by key.
pub(crate) struct Interner<K, T> {
    items: Vec<Arc<T>>,
    indices: HashMap<K, usize>,
}

impl<K, T> Default for Interner<K, T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            indices: HashMap::new(),
        }
    }
}

impl<K: Eq + Hash, T> Interner<K, T> {
    /// Returns the index of a key. A new key gets the value that `make` returns.
    pub(crate) fn intern(&mut self, key: K, make: impl FnOnce() -> T) -> usize {
        *self.indices.entry(key).or_insert_with(|| {
            self.items.push(Arc::new(make()));
            self.items.len() - 1
        })
    }

    pub(crate) fn get(&self, index: usize) -> Arc<T> {
        Arc::clone(&self.items[index])
    }

    pub(crate) fn index_of(&self, key: &K) -> Option<usize> {
        self.indices.get(key).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }
}
