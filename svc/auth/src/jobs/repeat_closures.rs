use std::time::Duration;

use chassis::Job;
use db::{Db, Tx};
use values::{Clock, Timestamp};

use crate::use_cases::repeat_closures;

/// How often requests are looked for that nobody has decided.
const CHECK_INTERVAL: Duration = Duration::from_mins(1);

/// The time after which the services are asked again about a request.
const ASKED_AGAIN_AFTER: Duration = Duration::from_mins(5);

/// Asks the services again whether accounts can be deleted.
pub(crate) fn repeat_closures_job(db: &Db, clock: &Clock) -> Job {
    chassis::purge_job("ask again about deletions", CHECK_INTERVAL, db, clock, repeat)
}

fn repeat(tx: &Tx, now: Timestamp) -> Result<usize, db::Error> {
    repeat_closures(tx, now, now - ASKED_AGAIN_AFTER)
}
