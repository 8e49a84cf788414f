//! Values that several tables store in the same columns.

use db::RowReader;
use values::{Money, Timestamp};

use crate::domain::Retry;

/// Reads `amount, currency`.
pub(super) fn money(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Money> {
    Ok(Money {
        amount: row.next()?,
        currency: row.next()?,
    })
}

/// Reads `tries, next_try_at`.
pub(super) fn retry(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Retry> {
    let failed_attempts: u32 = row.next()?;
    let next_at: Timestamp = row.next()?;
    Ok(Retry::new(failed_attempts, next_at))
}

/// Reads a version, which a CHECK keeps positive.
pub(super) fn version(row: &mut RowReader<'_, '_>) -> rusqlite::Result<u64> {
    Ok(row.next::<i64>()?.unsigned_abs())
}
