//! Purges expired rows.

use std::time::Duration;

use chassis::Job;
use db::Db;
use values::Clock;

use crate::store;

/// How long the id of a Stripe event is kept. Stripe repeats an event for three days, and on demand for thirty
/// (<https://docs.stripe.com/webhooks#retries>); the signature of an older event is refused.
const RETENTION: Duration = Duration::from_hours(31 * 24);

/// How often expired events are purged.
const PURGE_INTERVAL: Duration = Duration::from_hours(1);

/// Returns the job that purges expired Stripe events.
pub(crate) fn purge_job(db: &Db, clock: &Clock) -> Job {
    let (db, clock) = (db.clone(), clock.clone());
    Job::every(PURGE_INTERVAL, "purge expired Stripe events", move || {
        let (db, before) = (db.clone(), clock.now() - RETENTION);
        async move {
            // Bounded batches, so that other writes do not wait long.
            loop {
                match db.write(move |tx| store::purge_stripe_events(tx, before)).await {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, "expired stripe events could not be purged");
                        break;
                    }
                }
            }
        }
    })
}
