//! Begins the books of what an older release has captured.

use db::Db;
use values::Clock;

use crate::{domain::BasisPoints, use_cases::catch_up};

/// Begins the books of all payments that a release without books has captured.
pub(crate) async fn backfill_ledger(db: &Db, clock: &Clock, share: BasisPoints) -> Result<(), db::Error> {
    let mut after = String::new();
    loop {
        let now = clock.now();
        let last = db.write(move |tx| catch_up(tx, now, share, &after)).await?;
        let Some(last) = last else { return Ok(()) };
        after = last.to_string();
    }
}
