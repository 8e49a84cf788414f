use std::{fmt, sync::Arc};

use db::Tx;
use events::Envelope;
use values::Timestamp;

/// Applies a message in a transaction that is committed before the message is acknowledged.
///
/// It must tolerate messages that come twice, late, or in another order than they were published.
pub type EventHandler = Arc<dyn Fn(&Tx, Timestamp, &Envelope) -> Result<(), ConsumeError> + Send + Sync>;

/// A failure of an [`EventHandler`]. Its transaction is rolled back.
#[derive(Debug)]
pub struct ConsumeError {
    reason: String,
    /// The database failed, not the message.
    transient: bool,
}

impl ConsumeError {
    /// Creates a failure of this message: it is retried after a delay, and parked after the last attempt.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self {
            reason: reason.to_string(),
            transient: false,
        }
    }

    /// Whether every message would fail now. Such a failure does not count as an attempt.
    pub(crate) fn is_transient(&self) -> bool {
        self.transient
    }
}

impl fmt::Display for ConsumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for ConsumeError {}

impl From<db::Error> for ConsumeError {
    fn from(error: db::Error) -> Self {
        Self {
            reason: error.to_string(),
            transient: error.is_transient(),
        }
    }
}

impl From<rusqlite::Error> for ConsumeError {
    fn from(error: rusqlite::Error) -> Self {
        db::Error::from(error).into()
    }
}
