//! The books: who has got every cent that was taken. Double entry, appended to and never changed.
//!
//! What is to stand there follows from how a payment stands ([`Taken::position`]); what is written is the difference to what
//! stands there, in the transaction that made it. So the books are right whatever happens in whatever order, and a second
//! time writes nothing.

use db::Tx;
use values::{PaymentId, Timestamp};

use crate::{
    domain::{BasisPoints, Payment, Status, Why},
    store,
};

/// How many payments are looked at in one transaction.
const BATCH: u32 = 500;

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

/// Begins the books of payments that a release without books has captured; says after which payment to go on, until there
/// is none.
pub(crate) fn catch_up(
    tx: &Tx,
    now: Timestamp,
    share: BasisPoints,
    after: &str,
) -> Result<Option<PaymentId>, db::Error> {
    let payments = store::without_books(tx, after, BATCH)?;
    for payment in &payments {
        open(tx, now, share, payment)?;
    }
    Ok(payments.last().map(|payment| payment.id))
}
