//! Periodic work.

use std::time::Duration;

use chassis::Job;
use db::Db;
use values::Clock;

use crate::{
    domain::Codes,
    store,
    use_cases::{end_transfers, follow_order, index_listings},
};

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

const ADMISSIONS_INTERVAL: Duration = Duration::from_secs(1);

/// The number of admissions in one transaction, so that other writers wait for milliseconds only.
const ADMISSIONS_PER_STEP: u32 = 200;

/// The number of orders that are read at once.
const ORDERS_PER_PAGE: u32 = 100;

/// Returns the job that issues the admissions of large orders, and of orders that an earlier release has stored.
pub(crate) fn admissions_job(db: &Db, clock: &Clock, codes: &Codes) -> Job {
    let (db, clock, codes) = (db.clone(), clock.clone(), codes.clone());
    Job::every(ADMISSIONS_INTERVAL, "issue the rest of the admissions", move || {
        let (db, clock, codes) = (db.clone(), clock.clone(), codes.clone());
        async move {
            if let Err(error) = follow_orders(&db, &clock, &codes).await {
                tracing::warn!(%error, "admissions not issued, will retry");
            }
        }
    })
}

async fn follow_orders(db: &Db, clock: &Clock, codes: &Codes) -> Result<(), db::Error> {
    loop {
        let orders = db
            .read_internal(|conn| store::orders_to_follow(conn, ORDERS_PER_PAGE))
            .await?;
        if orders.is_empty() {
            return Ok(());
        }
        for order in orders {
            loop {
                let (now, codes) = (clock.now(), codes.clone());
                let is_done = db
                    .write(move |tx| follow_order(tx, now, &codes, order, ADMISSIONS_PER_STEP))
                    .await?;
                if is_done {
                    break;
                }
            }
        }
    }
}

const TRANSFERS_INTERVAL: Duration = Duration::from_secs(1);

/// The number of offers in one transaction.
const OFFERS_PER_STEP: u32 = 100;

/// Returns the job that ends offers whose time is over, or whose event has begun or was withdrawn. Nobody can accept them before,
/// either; their givers get a mail.
pub(crate) fn transfers_job(db: &Db, clock: &Clock) -> Job {
    let (db, clock) = (db.clone(), clock.clone());
    Job::every(TRANSFERS_INTERVAL, "end offers of tickets", move || {
        let (db, clock) = (db.clone(), clock.clone());
        async move {
            if let Err(error) = end_offers(&db, &clock).await {
                tracing::warn!(%error, "offers not ended, will retry");
            }
        }
    })
}

async fn end_offers(db: &Db, clock: &Clock) -> Result<(), db::Error> {
    loop {
        let now = clock.now();
        let offers = db
            .read_internal(move |conn| store::offers_to_end(conn, now, OFFERS_PER_STEP))
            .await?;
        if offers.is_empty() {
            return Ok(());
        }
        db.write(move |tx| end_transfers(tx, now, &offers)).await?;
    }
}
