//! Events that are not published yet: rows that are inserted in the transaction of the use case, and deleted when the
//! broker has confirmed them.

mod batches;
mod relay;
mod table;

pub(crate) use relay::Relay;
pub use table::{Depth, MAX_MESSAGE_BYTES, SCHEMA_V1, append, append_timer, depth, is_long};
