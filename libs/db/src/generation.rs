//! The generation of a database: the number of commits that have changed it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the commits of this process that have changed rows. Clones share the count.
///
/// A commit is counted before its commands return. So a read of the count includes every write that was answered
/// before, and a read transaction that begins afterwards sees them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Generation(Arc<AtomicU64>);

impl Generation {
    pub(crate) fn current(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Counts a commit. Call it when the commit is visible to readers, and before its commands return.
    pub(crate) fn advance(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
