//! How far Stripe's list of intents was read in search of the intent of a payment.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use values::PaymentId;

/// The last intent that a look-up has read, by payment. After a restart, look-ups begin anew. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct ListPositions {
    positions: Arc<Mutex<HashMap<PaymentId, String>>>,
}

impl ListPositions {
    /// Removes and returns the position of a payment.
    pub(super) fn take(&self, payment: PaymentId) -> Option<String> {
        self.positions().remove(&payment)
    }

    /// Stores the position of a payment.
    pub(super) fn put(&self, payment: PaymentId, intent: String) {
        self.positions().insert(payment, intent);
    }

    fn positions(&self) -> MutexGuard<'_, HashMap<PaymentId, String>> {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
