use std::time::Duration;

use chassis::{Context, Job};

use crate::use_cases::{MAX_EXPIRED, expire_overdue_orders};

/// Expires overdue orders at an interval, in case the broker lost their timers. Usually their timers arrive first.
pub(crate) fn sweep_job(context: &Context, interval: Duration) -> Job {
    let context = context.clone();
    Job::every(interval, "sweep", move || sweep(context.clone()))
}

async fn sweep(context: Context) {
    let full = usize::try_from(MAX_EXPIRED).unwrap_or(usize::MAX);
    while !context.shutdown.is_cancelled() {
        let now = context.clock.now();
        match context.db.write(move |tx| expire_overdue_orders(tx, now)).await {
            Ok(0) => break,
            Ok(count) => {
                tracing::info!(
                    count,
                    "overdue orders expired by the sweep, their timers had not arrived"
                );
                if count < full {
                    break;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "overdue orders cannot be expired, will retry");
                break;
            }
        }
    }
}
