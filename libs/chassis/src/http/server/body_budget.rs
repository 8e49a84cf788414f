use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The number of bytes of request bodies that the handlers of a server may hold at the same time.
#[derive(Clone)]
pub(super) struct BodyBudget(Arc<Semaphore>);

/// The bytes of one request, given back when the last clone is dropped.
#[derive(Clone)]
pub(super) struct HeldBytes {
    budget: BodyBudget,
    held: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl BodyBudget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// Starts a request, which holds nothing yet.
    pub(super) fn request(&self) -> HeldBytes {
        HeldBytes {
            budget: self.clone(),
            held: Arc::default(),
        }
    }
}

impl HeldBytes {
    /// Holds more bytes. Returns whether the budget has them.
    pub(super) fn hold(&self, bytes: usize) -> bool {
        let more = u32::try_from(bytes)
            .ok()
            .and_then(|bytes| Arc::clone(&self.budget.0).try_acquire_many_owned(bytes).ok());
        let Some(more) = more else { return false };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *held {
            Some(held) => held.merge(more),
            None => *held = Some(more),
        }
        true
    }
}
