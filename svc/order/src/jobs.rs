//! Periodic work.

use std::time::Duration;

use bus::outbox;
use chassis::Job;
use db::Db;
use values::Clock;

use crate::{store, use_cases::continue_withdrawal};

const WITHDRAWAL_INTERVAL: Duration = Duration::from_secs(1);

/// The number of unpublished events above which a withdrawal pauses: the events of other orders wait behind its own.
const MAX_OUTBOX_LENGTH: u64 = 5000;

/// Returns the job that cancels and refunds the orders of withdrawn listings.
pub(crate) fn withdrawal_job(db: &Db, clock: &Clock) -> Job {
    let (db, clock) = (db.clone(), clock.clone());
    Job::every(
        WITHDRAWAL_INTERVAL,
        "cancel and refund the orders of withdrawn listings",
        move || {
            let (db, clock) = (db.clone(), clock.clone());
            async move {
                if let Err(error) = continue_withdrawals(&db, &clock).await {
                    tracing::warn!(%error, "orders of withdrawn listings not cancelled or refunded, will retry");
                }
            }
        },
    )
}

/// Continues the open withdrawals, each step in a command of its own, until none is open or the outbox is long. At least one
/// step is done.
async fn continue_withdrawals(db: &Db, clock: &Clock) -> Result<(), db::Error> {
    // A read first: most of the time there is nothing to do, and a write would wait for other writers.
    if !db.read_internal(store::has_open_withdrawal).await? {
        return Ok(());
    }
    let mut last = None;
    loop {
        let now = clock.now();
        let step = db.write(move |tx| {
            let ticket = continue_withdrawal(tx, now, last)?;
            Ok::<_, db::Error>((ticket, outbox::depth(tx)?.count))
        });
        let (ticket, unpublished) = step.await?;
        if ticket.is_none() || unpublished > MAX_OUTBOX_LENGTH {
            return Ok(());
        }
        last = ticket;
    }
}
