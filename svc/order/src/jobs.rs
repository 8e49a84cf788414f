//! Periodic work: refunds the sales of withdrawn listings.

use std::time::Duration;

use chassis::Job;
use db::Db;
use values::Clock;

use crate::{store, use_cases::refund_withdrawn_sales};

/// The job that refunds the sales of withdrawn listings.
pub(crate) fn refund_withdrawn_sales_job(db: &Db, clock: &Clock) -> Job {
    let (db, clock) = (db.clone(), clock.clone());
    Job::every(
        Duration::from_secs(1),
        "refund the sales of withdrawn listings",
        move || {
            let (db, clock) = (db.clone(), clock.clone());
            async move {
                if let Err(error) = refund_all(&db, &clock).await {
                    tracing::warn!(%error, "sales of a withdrawn listing could not be refunded now");
                }
            }
        },
    )
}

async fn refund_all(db: &Db, clock: &Clock) -> Result<(), db::Error> {
    // To look costs no write.
    while db.read(store::open_withdrawal).await?.is_some() {
        let now = clock.now();
        db.write(move |tx| refund_withdrawn_sales(tx, now)).await?;
    }
    Ok(())
}
