//! Opens the ledger of payments that an older release captured.

use std::time::Duration;

use chassis::Job;
use db::Db;
use values::Clock;

use crate::{domain::BasisPoints, store, use_cases};

/// An older release can capture payments only while it replaces this one.
const INTERVAL: Duration = Duration::from_hours(1);

/// Returns the job that opens the missing ledgers, in batches.
pub(crate) fn missing_ledgers_job(db: &Db, clock: &Clock, fee_rate: BasisPoints) -> Job {
    let (db, clock) = (db.clone(), clock.clone());
    Job::every(INTERVAL, "open missing ledgers", move || {
        let (db, clock) = (db.clone(), clock.clone());
        async move {
            if let Err(error) = open_missing_ledgers(&db, &clock, fee_rate).await {
                tracing::warn!(%error, "missing ledgers could not be opened, will retry");
            }
        }
    })
}

async fn open_missing_ledgers(db: &Db, clock: &Clock, fee_rate: BasisPoints) -> Result<(), db::Error> {
    // A read first: there is nothing to do, except after an update.
    if !db.read_internal(store::is_any_ledger_missing).await? {
        return Ok(());
    }
    let mut after = String::new();
    loop {
        let now = clock.now();
        let last = db.write(move |tx| use_cases::open_missing_ledgers(tx, now, fee_rate, &after));
        let Some(last) = last.await? else { return Ok(()) };
        after = last.to_string();
    }
}
