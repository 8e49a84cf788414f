//! A seller withdrew a listing with sales: all of them are refunded.
//!
//! How far that is stands in the database, so a restart goes on where it was.

use std::time::Duration;

use chassis::Job;
use db::{Db, Tx};
use events::{AskedBy, RefundStatus};
use values::{Clock, Timestamp};

use crate::{
    order::{Change, Order},
    record,
    refund::{Refund, Wish},
    store,
};

/// How many sales one transaction refunds at most, so that others wait only milliseconds for the writer.
const BATCH: u32 = 100;

/// How far the sales of a listing are refunded, in orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Progress {
    /// All that are paid or being paid.
    pub(crate) orders: u32,
    /// Those whose tickets, or whose money, went back wholly.
    pub(crate) refunded: u32,
    /// Those of which a refund could not be paid.
    pub(crate) failed: u32,
    /// Those whose refund was paid, and sent back by the buyer's bank later.
    pub(crate) sent_back: u32,
}

impl Progress {
    /// Those that wait: for the payment, for the refund, for the bank's decision.
    pub(crate) fn pending(self) -> u32 {
        let settled = self.refunded + self.failed + self.sent_back;
        self.orders.saturating_sub(settled)
    }
}

/// The job that refunds the sales of withdrawn listings.
pub(crate) fn refunding(db: &Db, clock: &Clock) -> Job {
    let (db, clock) = (db.clone(), clock.clone());
    Job::every(
        Duration::from_secs(1),
        "refund the sales of withdrawn listings",
        move || {
            let (db, clock) = (db.clone(), clock.clone());
            async move {
                if let Err(error) = refund_all(&db, &clock).await {
                    tracing::warn!(%error, "sales of a withdrawn listing could not be refunded now");
                }
            }
        },
    )
}

async fn refund_all(db: &Db, clock: &Clock) -> Result<(), db::Error> {
    // To look costs no write.
    while db.read(store::open_withdrawal).await?.is_some() {
        let now = clock.now();
        db.write(move |tx| refund_some(tx, now)).await?;
    }
    Ok(())
}

/// Refunds the next sales of a withdrawn listing.
pub(crate) fn refund_some(tx: &Tx, now: Timestamp) -> Result<(), db::Error> {
    let Some((ticket, after)) = store::open_withdrawal(tx)? else {
        return Ok(());
    };
    let sold = store::sold(tx, ticket, &after, BATCH)?;
    for order in &sold {
        refund_sale(tx, order, now)?;
    }
    store::advance_withdrawal(tx, ticket, sold.last().map(|last| last.id))
}

/// Refunds what is left of a sale, because its listing is withdrawn: what its buyer asked for, and the rest, unless that is
/// done or under way.
pub(crate) fn refund_sale(tx: &Tx, order: &Order, now: Timestamp) -> Result<(), db::Error> {
    let refunds = store::refunds_of(tx, order.id)?;
    let stands = |refund: &Refund| refund.asked_by == AskedBy::Withdrawal && refund.status != RefundStatus::Failed;
    let refunded = refunds.iter().any(stands);
    if refunded || order.refundable().is_err() {
        return Ok(());
    }
    for mut refund in refunds {
        if refund.status == RefundStatus::Requested && refund.approve(now) == Ok(Change::Made) {
            record::refund_changed(tx, &refund, now)?;
        }
    }
    let rest = Wish {
        quantity: None,
        asked_by: AskedBy::Withdrawal,
        reason: None,
    };
    // Where nothing is left there is nothing to do.
    if let Ok(refund) = Refund::ask(order, rest, None, now) {
        record::refund_asked(tx, &refund, now)?;
    }
    Ok(())
}
