//! The books: who has got every cent that was taken. Double entry, appended to and never changed.
//!
//! What is to stand there follows from how a payment stands ([`Taken::position`]); what is written is the difference to what
//! stands there, in the transaction that made it. So the books are right whatever happens in whatever order, and a second
//! time writes nothing.

use db::{Db, Tx};
use values::{Clock, PaymentId, Timestamp};

use crate::{
    payment::{Payment, Status},
    store,
};

mod amounts;
pub(crate) mod api;
mod csv;
mod dto;
mod fee;
mod report;

pub(crate) use amounts::{Amounts, Page, Taken};
pub use fee::{BasisPoints, NoShare};
pub(crate) use report::report;

/// How many payments are looked at in one transaction.
const BATCH: u32 = 500;

/// Why something is written into the books.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Why {
    /// Money was taken.
    Captured,
    /// The order is complete: it is the seller's. Or it became known only now who that is.
    Completed,
    /// A refund gives it back.
    Refund(String),
    /// A refund did not work after all.
    RefundFailed(String),
    /// The buyer's bank takes it back, or gives it again.
    Dispute(String),
    /// Stripe has said what it keeps.
    StripeFee,
}

/// Begins the books of a payment that was captured just now. The platform's share stays what it is today.
pub(crate) fn open(tx: &Tx, now: Timestamp, share: BasisPoints, payment: &Payment) -> Result<(), db::Error> {
    if payment.status != Status::Captured || payment.is_free() || !store::take(tx, payment, share, now)? {
        return Ok(());
    }
    book(tx, now, payment.id, &Why::Captured)?;
    book(tx, now, payment.id, &Why::Completed)
}

/// Writes what is new of a payment.
pub(crate) fn book(tx: &Tx, now: Timestamp, payment: PaymentId, why: &Why) -> Result<(), db::Error> {
    let Some(mut taken) = store::taken(tx, payment)? else {
        return Ok(());
    };
    if *why == Why::Captured {
        // The sale is a transaction of its own, also where the order is complete already.
        taken.complete = false;
    }
    let mut missing = taken.position();
    for (page, booked) in store::booked(tx, payment)? {
        *missing.entry(page).or_default() -= booked;
    }
    for (page, amounts) in missing {
        if !amounts.is_nothing() {
            store::append(tx, now, payment, &page, why, &amounts)?;
        }
    }
    Ok(())
}

/// Begins the books of all payments that a release without books has captured.
pub(crate) async fn begin(db: &Db, clock: &Clock, share: BasisPoints) -> Result<(), db::Error> {
    let mut after = String::new();
    loop {
        let now = clock.now();
        let last = db.write(move |tx| catch_up(tx, now, share, &after)).await?;
        let Some(last) = last else { return Ok(()) };
        after = last.to_string();
    }
}

/// Begins the books of payments that a release without books has captured; says after which payment to go on, until there
/// is none.
fn catch_up(tx: &Tx, now: Timestamp, share: BasisPoints, after: &str) -> Result<Option<PaymentId>, db::Error> {
    let payments = store::without_books(tx, after, BATCH)?;
    for payment in &payments {
        open(tx, now, share, payment)?;
    }
    Ok(payments.last().map(|payment| payment.id))
}

impl Why {
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Captured => "captured",
            Self::Completed => "completed",
            Self::Refund(_) => "refund",
            Self::RefundFailed(_) => "refund-failed",
            Self::Dispute(_) => "dispute",
            Self::StripeFee => "stripe-fee",
        }
    }

    /// What it was written for.
    pub(crate) fn reference(&self) -> Option<&str> {
        match self {
            Self::Refund(id) | Self::RefundFailed(id) | Self::Dispute(id) => Some(id),
            Self::Captured | Self::Completed | Self::StripeFee => None,
        }
    }
}
