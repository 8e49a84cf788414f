use std::time::Duration;

use chassis::{Context, Job};

use crate::expire::{BATCH, expire_overdue};

/// Expires what is overdue, again and again: covers a broker that has forgotten its timers. Usually the ladder is first,
/// and there is nothing to do.
pub(crate) fn job(context: &Context, interval: Duration) -> Job {
    let context = context.clone();
    Job::every(interval, "sweep", move || sweep(context.clone()))
}

async fn sweep(context: Context) {
    let full = usize::try_from(BATCH).unwrap_or(usize::MAX);
    while !context.shutdown.is_cancelled() {
        let now = context.clock.now();
        match context.db.write(move |tx| expire_overdue(tx, now)).await {
            Ok(0) => break,
            Ok(count) => {
                tracing::info!(
                    count,
                    "expired by the sweep: the broker had not rung for these orders yet"
                );
                if count < full {
                    break;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "overdue orders cannot be expired now");
                break;
            }
        }
    }
}
