//! What the machine can do without the marketplace, measured in the same run.

mod argon2id;
mod broker;
mod sqlite;
mod tokens;

pub use argon2id::{hashes_per_second, sum_of_threads};
pub use broker::events_per_second;
pub use sqlite::{Sqlite, SqliteReads};
pub use tokens::{Tokens, verifications_per_second};

use std::time::{Duration, Instant};

use crate::{BenchResult, statistics::float};

/// Repeats `step` for a time, and returns how often per second it ran.
fn repeat(duration: Duration, mut step: impl FnMut(u64) -> BenchResult<()>) -> BenchResult<f64> {
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < duration {
        step(count)?;
        count += 1;
    }
    Ok(float(count) / start.elapsed().as_secs_f64())
}
