use std::{fmt, sync::Arc};

use db::Tx;
use events::Envelope;
use values::Timestamp;

/// What a service does when a message comes: a use case over a transaction, which is committed before the message is
/// acknowledged. It must bear to see a message twice, late, or before one that was said earlier.
pub type EventHandler = Arc<dyn Fn(&Tx, Timestamp, &Envelope) -> Result<(), ConsumeError> + Send + Sync>;

/// Why a reaction had no effect. All it did to the database is undone.
#[derive(Debug)]
pub struct ConsumeError {
    reason: String,
    /// It is the database that cannot, not the message that is wrong.
    transient: bool,
}

impl ConsumeError {
    /// A failure of this message: it is tried again later, and parked if it keeps failing.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self {
            reason: reason.to_string(),
            transient: false,
        }
    }

    /// Whether any message would fail now: then it waits, and no attempt of it is burnt.
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
