//! Table `taking`: captured funds.

use std::time::Duration;

use db::{NamedParameters, RowReader, Tx};
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{PaymentId, Timestamp};

use super::{columns::money, disputes::disputes_of};
use crate::domain::{
    BasisPoints, CapturedFunds, CapturedFundsState, Payment, RefundSummary, Retry, StripeFee, published_dispute,
};

/// How long after its payment a charge may be disputed, with a margin. Older charges are not checked again.
const DISPUTE_PERIOD: Duration = Duration::from_hours(180 * 24);

db::columns! {
    /// Captured funds.
    CAPTURED_FUNDS: "taking" = [
        payment_id, amount, currency, refunded, stripe_fee, stripe_fee_currency, tries, look_at, told_at,
    ];
}

fn read_captured_funds(row: &mut RowReader<'_, '_>) -> rusqlite::Result<CapturedFunds> {
    Ok(CapturedFunds::from_state(CapturedFundsState {
        payment_id: row.next()?,
        amount: money(row)?,
        refunded: row.next()?,
        stripe_fee: stripe_fee(row)?,
        next_check: next_check(row)?,
        notified_at: row.next()?,
    }))
}

/// Reads `stripe_fee, stripe_fee_currency`, which a CHECK keeps NULL together.
pub(super) fn stripe_fee(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Option<StripeFee>> {
    let (amount, currency) = (row.next::<Option<i64>>()?, row.next::<Option<String>>()?);
    Ok(amount
        .zip(currency)
        .map(|(amount, currency)| StripeFee { amount, currency }))
}

/// Reads `tries, look_at`.
fn next_check(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Option<Retry>> {
    let (failed_checks, next_at) = (row.next()?, row.next::<Option<Timestamp>>()?);
    Ok(next_at.map(|next_at| Retry::new(failed_checks, next_at)))
}

/// Inserts the captured funds of a payment, with the platform's share as agreed now; returns whether they are new.
pub(crate) fn insert_captured_funds(
    tx: &Tx,
    payment: &Payment,
    fee_rate: BasisPoints,
    now: Timestamp,
) -> Result<bool, db::Error> {
    let added = tx
        .prepare_cached(
            "INSERT INTO taking (payment_id, currency, amount, fee_basis_points, look_at)
             VALUES (:payment_id, :currency, :amount, :fee_rate, :look_at) ON CONFLICT (payment_id) DO NOTHING",
        )?
        .execute_named(named_params! {
            ":payment_id": payment.id(),
            ":currency": payment.amount().currency,
            ":amount": payment.amount().amount,
            ":fee_rate": fee_rate.get(),
            ":look_at": now,
        })?;
    Ok(added > 0)
}

/// Returns the captured funds of a payment.
pub(crate) fn captured_funds(conn: &Connection, payment: PaymentId) -> Result<Option<CapturedFunds>, db::Error> {
    let sql = format!("SELECT {} FROM taking WHERE payment_id = ?1", CAPTURED_FUNDS.select);
    Ok(conn
        .prepare_cached(&sql)?
        .query_row([payment], db::read_row(read_captured_funds))
        .optional()?)
}

/// Updates captured funds, except the refunded amount, which triggers derive from the refunds.
pub(crate) fn update_captured_funds(tx: &Tx, funds: &CapturedFunds) -> Result<(), db::Error> {
    let state = funds.state();
    let (fee, check) = (state.stripe_fee.as_ref(), state.next_check);
    tx.prepare_cached(
        "UPDATE taking
         SET stripe_fee = :fee, stripe_fee_currency = :fee_currency, tries = :tries, look_at = :look_at, told_at = :told_at
         WHERE payment_id = :payment_id",
    )?
    .execute_named(named_params! {
        ":payment_id": state.payment_id,
        ":fee": fee.map(|fee| fee.amount),
        ":fee_currency": fee.map(|fee| &fee.currency),
        ":tries": check.map_or(0, Retry::failed_attempts),
        ":look_at": check.map(Retry::next_at),
        ":told_at": state.notified_at,
    })?;
    Ok(())
}

/// Schedules a check of a payment's captured funds; returns whether it has any.
pub(crate) fn request_check(tx: &Tx, payment: PaymentId, now: Timestamp) -> Result<bool, db::Error> {
    let changed = tx
        .prepare_cached(
            "UPDATE taking SET told_at = ?2, look_at = min(coalesce(look_at, ?2), ?2), tries = 0 WHERE payment_id = ?1",
        )?
        .execute((payment, now))?;
    Ok(changed > 0)
}

/// Returns the position in the captured funds before those that can still be disputed. Ids sort by creation.
pub(crate) fn before_disputable(now: Timestamp) -> String {
    let millis = (now - DISPUTE_PERIOD).millis().max(0);
    format!("{:08x}-{:04x}", millis >> 16, millis & 0xffff)
}

/// Schedules checks of the next captured funds after `after`, by payment. Returns the last of them, if any.
pub(crate) fn request_checks(tx: &Tx, now: Timestamp, after: &str, limit: u32) -> Result<Option<String>, db::Error> {
    let last = "SELECT max(payment_id) FROM
                    (SELECT payment_id FROM taking WHERE payment_id > ?1 ORDER BY payment_id LIMIT ?2)";
    let last: Option<String> = tx.prepare_cached(last)?.query_row((after, limit), |row| row.get(0))?;
    if let Some(last) = &last {
        tx.prepare_cached(
            "UPDATE taking SET told_at = ?1, look_at = ?1, tries = 0 WHERE payment_id > ?2 AND payment_id <= ?3",
        )?
        .execute((now, after, last))?;
    }
    Ok(last)
}

/// Returns the payments whose captured funds have to be checked, longest overdue first.
pub(crate) fn follow_ups_due(conn: &Connection, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, db::Error> {
    let mut found =
        conn.prepare_cached("SELECT payment_id FROM taking WHERE look_at <= ?1 ORDER BY look_at LIMIT ?2")?;
    let payments = found.query_map((now, limit), |row| row.get(0))?;
    Ok(payments.collect::<Result<_, _>>()?)
}

/// Returns how much of a payment went back.
pub(crate) fn refund_summary(conn: &Connection, payment: PaymentId) -> Result<RefundSummary, db::Error> {
    let Some(funds) = captured_funds(conn, payment)? else {
        return Ok(RefundSummary::default());
    };
    Ok(RefundSummary {
        refunded: funds.refunded(),
        dispute: published_dispute(&disputes_of(conn, payment)?, funds.amount().currency),
    })
}
