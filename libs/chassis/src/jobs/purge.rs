use std::time::Duration;

use db::{Db, Tx};
use values::{Clock, Timestamp};

use super::Job;

/// Returns a job that deletes expired rows until none is left.
///
/// `purge` deletes a bounded number of rows in one transaction, so that other writes do not wait long, and returns how
/// many it deleted. `name` is the job's, such as "purge stored responses".
pub fn purge_job(
    name: &'static str,
    every: Duration,
    db: &Db,
    clock: &Clock,
    purge: fn(&Tx, Timestamp) -> Result<usize, db::Error>,
) -> Job {
    let (db, clock) = (db.clone(), clock.clone());
    Job::every(every, name, move || {
        let (db, now) = (db.clone(), clock.now());
        async move {
            loop {
                match db.write(move |tx| purge(tx, now)).await {
                    Ok(0) => break,
                    Ok(purged) => tracing::debug!(job = name, purged, "purged expired rows"),
                    Err(error) => {
                        tracing::warn!(job = name, %error, "expired rows could not be purged, will retry");
                        break;
                    }
                }
            }
        }
    })
}
