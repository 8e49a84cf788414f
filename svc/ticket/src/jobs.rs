//! Periodic work.

use std::time::Duration;

use chassis::Job;
use db::Db;

use crate::{store, use_cases::index_listings};

const INDEX_INTERVAL: Duration = Duration::from_secs(5);

/// The maximum number of batches that are indexed before the service serves.
const BATCHES_BEFORE_SERVING: usize = 100;

/// Indexes listings of an earlier release before the service serves: the newest ones. The job indexes the others.
pub(crate) async fn index_newest_listings(db: &Db) -> Result<(), db::Error> {
    if db.read_internal(store::has_unindexed_listings).await? {
        for _ in 0..BATCHES_BEFORE_SERVING {
            if !db.write(index_listings).await? {
                break;
            }
        }
    }
    Ok(())
}

/// Returns the job that indexes listings that an earlier release has written.
pub(crate) fn index_job(db: &Db) -> Job {
    let db = db.clone();
    Job::every(INDEX_INTERVAL, "index listings of an earlier release", move || {
        let db = db.clone();
        async move {
            if let Err(error) = index_remaining_listings(&db).await {
                tracing::warn!(%error, "listings not indexed, will retry");
            }
        }
    })
}

async fn index_remaining_listings(db: &Db) -> Result<(), db::Error> {
    // A read first: most of the time there is nothing to do, and a write would wait for other writers.
    if db.read_internal(store::has_unindexed_listings).await? {
        while db.write(index_listings).await? {}
    }
    Ok(())
}
