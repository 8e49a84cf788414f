//! Periodic work.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::Duration;

use bus::outbox;
use chassis::Job;
use db::Db;
use rusqlite::Connection;
use values::Clock;

use crate::{store, use_cases::continue_withdrawal};

const WITHDRAWAL_INTERVAL: Duration = Duration::from_secs(1);

/// The maximum number of withdrawals that one transaction opens again.
const REOPENED_PER_BATCH: u32 = 100;

/// Returns the job that cancels and refunds the orders of withdrawn listings. Its first run opens withdrawals again
/// that were closed too early.
pub(crate) fn withdrawal_job(db: &Db, clock: &Clock) -> Job {
    let (db, clock) = (db.clone(), clock.clone());
    let has_reopened = Arc::new(AtomicBool::new(false));
    Job::every(
        WITHDRAWAL_INTERVAL,
        "cancel and refund the orders of withdrawn listings",
        move || {
            let (db, clock, has_reopened) = (db.clone(), clock.clone(), Arc::clone(&has_reopened));
            async move {
                let run = async {
                    if !has_reopened.load(Ordering::Relaxed) {
                        reopen_withdrawals(&db).await?;
                        has_reopened.store(true, Ordering::Relaxed);
                    }
                    continue_withdrawals(&db, &clock).await
                };
                if let Err(error) = run.await {
                    tracing::warn!(%error, "orders of withdrawn listings not cancelled or refunded, will retry");
                }
            }
        },
    )
}

/// Opens the withdrawals again that are closed although their listings have open orders: the previous release closes a
/// withdrawal that this one has started without cancelling its orders.
async fn reopen_withdrawals(db: &Db) -> Result<(), db::Error> {
    loop {
        let closed = |conn: &Connection| store::closed_withdrawals_with_open_orders(conn, REOPENED_PER_BATCH);
        let tickets = db.read_internal(closed).await?;
        if tickets.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            listings = tickets.len(),
            "withdrawals were closed before all orders were cancelled, continuing"
        );
        db.write(move |tx| {
            tickets
                .into_iter()
                .try_for_each(|ticket| store::reopen_withdrawal(tx, ticket))
        })
        .await?;
    }
}

/// Continues the open withdrawals, each step in a command of its own, until none is open or the outbox is long. At least one
/// step is done.
async fn continue_withdrawals(db: &Db, clock: &Clock) -> Result<(), db::Error> {
    // A read first: most of the time there is nothing to do, and a write would wait for other writers.
    if !db.read_internal(store::has_open_withdrawal).await? {
        return Ok(());
    }
    let mut last = None;
    loop {
        let now = clock.now();
        let step = db.write(move |tx| {
            let ticket = continue_withdrawal(tx, now, last)?;
            Ok::<_, db::Error>((ticket, outbox::is_long(tx)?))
        });
        let (ticket, is_outbox_long) = step.await?;
        if ticket.is_none() || is_outbox_long {
            return Ok(());
        }
        last = ticket;
    }
}
