//! Values that were read, stored until a commit changes the database.

mod cache;
mod metrics;
mod shared_reads;

pub use cache::{CacheLimits, ReadCache};
pub use metrics::CacheMetrics;
