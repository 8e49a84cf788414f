//! Values that were read, stored until a commit changes the database.

mod cache;
mod shared_reads;

pub use cache::{CacheLimits, ReadCache};
