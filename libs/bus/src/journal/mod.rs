//! The journal, a stream of all events of the last hours, and the recovery of a restored database from it.

mod reader;
mod recovery;
mod republish;

pub(crate) use recovery::JournalRecovery;
pub use recovery::{RecoverEvent, Recovery};
pub use republish::{RepublishPage, republish_all, republish_changed};
