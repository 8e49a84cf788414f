use std::time::Duration;

use chassis::Job;
use db::Db;
use values::Clock;

use crate::store;

const PURGE_INTERVAL: Duration = Duration::from_mins(1);

/// Deletes mails and keys that have expired.
pub(crate) fn purge_job(db: &Db, clock: &Clock) -> Job {
    chassis::purge_job("purge mails", PURGE_INTERVAL, db, clock, store::delete_expired)
}
