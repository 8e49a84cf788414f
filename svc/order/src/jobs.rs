//! Periodic work.

use std::time::Duration;

use chassis::Job;
use db::Db;
use values::Clock;

use crate::{store, use_cases::refund_withdrawn_sales};

const REFUND_INTERVAL: Duration = Duration::from_secs(1);

/// Returns the job that refunds the sales of withdrawn listings.
pub(crate) fn refund_withdrawn_sales_job(db: &Db, clock: &Clock) -> Job {
    let (db, clock) = (db.clone(), clock.clone());
    Job::every(REFUND_INTERVAL, "refund the sales of withdrawn listings", move || {
        let (db, clock) = (db.clone(), clock.clone());
        async move {
            if let Err(error) = refund_all(&db, &clock).await {
                tracing::warn!(%error, "refunding the sales of withdrawn listings failed, will retry");
            }
        }
    })
}

async fn refund_all(db: &Db, clock: &Clock) -> Result<(), db::Error> {
    // A read first: most of the time there is nothing to do, and a write would wait for other writers.
    while db.read_internal(store::find_open_withdrawal).await?.is_some() {
        let now = clock.now();
        db.write(move |tx| refund_withdrawn_sales(tx, now)).await?;
    }
    Ok(())
}
