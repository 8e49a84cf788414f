//! Writes the ledger: double entry, appended to and never changed.
//!
//! The expected balances follow from the state of a payment ([`CapturedSale::expected_balances`]). Each change appends the
//! difference to the balances that the ledger shows, in its own transaction. So the order of changes does not matter, and
//! a repeated change appends nothing.
//!
//! [`CapturedSale::expected_balances`]: crate::domain::CapturedSale::expected_balances

use db::Tx;
use values::{PaymentId, Timestamp};

use crate::{
    domain::{BasisPoints, EntryReason, Payment, PaymentStatus},
    store,
};

/// How many payments one transaction opens a ledger for.
const LEDGERS_PER_BATCH: u32 = 500;

/// Opens the ledger of a captured payment; returns whether it is new. The platform's share stays as it is now.
pub(super) fn open_ledger(
    tx: &Tx,
    now: Timestamp,
    fee_rate: BasisPoints,
    payment: &Payment,
) -> Result<bool, db::Error> {
    if payment.status() != PaymentStatus::Captured
        || payment.is_free()
        || !store::insert_captured_funds(tx, payment, fee_rate, now)?
    {
        return Ok(false);
    }
    update_ledger(tx, now, payment.id(), &EntryReason::Captured)?;
    update_ledger(tx, now, payment.id(), &EntryReason::Completed)?;
    Ok(true)
}

/// Appends what the ledger lacks of a payment.
pub(super) fn update_ledger(
    tx: &Tx,
    now: Timestamp,
    payment: PaymentId,
    reason: &EntryReason,
) -> Result<(), db::Error> {
    let Some(mut sale) = store::captured_sale(tx, payment)? else {
        return Ok(());
    };
    if *reason == EntryReason::Captured {
        // The capture is a row of its own, even if the order is complete already.
        sale.is_complete = false;
    }
    let mut missing = sale.expected_balances();
    for (key, balance) in store::ledger_balances(tx, payment)? {
        *missing.entry(key).or_default() -= balance;
    }
    for (key, amounts) in missing {
        if !amounts.is_zero() {
            store::append_to_ledger(tx, now, payment, &key, reason, &amounts)?;
        }
    }
    Ok(())
}

/// Opens the ledger of payments that an older release captured, after `after`; returns the last of them, if any.
pub(crate) fn open_missing_ledgers(
    tx: &Tx,
    now: Timestamp,
    fee_rate: BasisPoints,
    after: &str,
) -> Result<Option<PaymentId>, db::Error> {
    let payments = store::payments_without_ledger(tx, after, LEDGERS_PER_BATCH)?;
    for payment in &payments {
        open_ledger(tx, now, fee_rate, payment)?;
    }
    Ok(payments.last().map(Payment::id))
}
