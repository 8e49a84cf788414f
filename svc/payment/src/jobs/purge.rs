//! Forgets what nobody needs any more.

use std::time::Duration;

use chassis::Job;
use db::Db;
use values::Clock;

use crate::store;

/// How long an event's id is remembered. Stripe tells again for three days, and whoever asks it to for thirty
/// (<https://docs.stripe.com/webhooks#retries>); an older letter would be an old signature, too.
const KEPT: Duration = Duration::from_hours(31 * 24);

/// The job that forgets the events that came long ago.
pub(crate) fn purge_job(db: &Db, clock: &Clock) -> Job {
    let (db, clock) = (db.clone(), clock.clone());
    Job::every(Duration::from_hours(1), "forget old events of Stripe", move || {
        let (db, before) = (db.clone(), clock.now() - KEPT);
        async move {
            // A bounded number at a time, so that nobody waits long for the writer.
            loop {
                match db.write(move |tx| store::forget(tx, before)).await {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, "old events of Stripe could not be forgotten");
                        break;
                    }
                }
            }
        }
    })
}
