//! Idempotency keys of requests in progress.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The keys whose request is in progress.
#[derive(Clone, Default)]
pub(crate) struct KeysInUse(Arc<Mutex<HashSet<String>>>);

impl KeysInUse {
    /// Claims a key until the claim is dropped; `None` if another request holds it.
    pub(crate) fn claim(&self, key: &str) -> Option<KeyClaim> {
        self.keys().insert(key.to_owned()).then(|| KeyClaim {
            keys: self.clone(),
            key: key.to_owned(),
        })
    }

    fn keys(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The exclusive claim of one request on a key.
pub(crate) struct KeyClaim {
    keys: KeysInUse,
    key: String,
}

impl Drop for KeyClaim {
    fn drop(&mut self) {
        self.keys.keys().remove(&self.key);
    }
}
