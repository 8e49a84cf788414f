use std::{sync::Arc, time::Duration};

use chassis::{Context, Job};
use tokio::sync::Notify;
use tracing::Instrument;

use crate::use_cases::{MAX_EXPIRED, expire_overdue_orders};

/// Expires overdue orders at an interval, in case the broker lost their timers. Usually their timers arrive first.
pub(crate) fn sweep_job(context: &Context, interval: Duration) -> Job {
    let context = context.clone();
    Job::every(interval, "sweep", move || {
        let context = context.clone();
        async move {
            let count = expire_all_overdue(&context).await;
            if count > 0 {
                tracing::info!(
                    count,
                    "overdue orders expired by the sweep, their timers had not arrived"
                );
            }
        }
    })
}

/// Expires overdue orders whenever `overdue` is notified: those of a busy second, beyond the ones that its timer message
/// expires.
pub(crate) fn start_follow_up(context: &Context, overdue: Arc<Notify>) {
    let follow_up = context.clone();
    let work = async move {
        while follow_up
            .shutdown
            .run_until_cancelled(overdue.notified())
            .await
            .is_some()
        {
            expire_all_overdue(&follow_up).await;
        }
    };
    context.tasks.spawn(work.in_current_span());
}

/// Expires overdue orders, some in each transaction. Returns their number.
async fn expire_all_overdue(context: &Context) -> usize {
    let full = usize::try_from(MAX_EXPIRED).unwrap_or(usize::MAX);
    let mut all = 0;
    while !context.shutdown.is_cancelled() {
        let now = context.clock.now();
        match context.db.write(move |tx| expire_overdue_orders(tx, now)).await {
            Ok(count) => {
                all += count;
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
    all
}
