//! Opens the ledger of payments that an older release captured.

use db::Db;
use values::Clock;

use crate::{domain::BasisPoints, use_cases};

/// Opens the ledger of every captured payment that has none, in batches.
pub(crate) async fn backfill_ledger(db: &Db, clock: &Clock, fee_rate: BasisPoints) -> Result<(), db::Error> {
    let mut after = String::new();
    loop {
        let now = clock.now();
        let last = db.write(move |tx| use_cases::backfill_ledger(tx, now, fee_rate, &after));
        let Some(last) = last.await? else { return Ok(()) };
        after = last.to_string();
    }
}
