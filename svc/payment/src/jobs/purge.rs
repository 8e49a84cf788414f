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
    chassis::purge_job("purge stripe events", PURGE_INTERVAL, db, clock, |tx, now| {
        store::purge_stripe_events(tx, now - RETENTION)
    })
}
