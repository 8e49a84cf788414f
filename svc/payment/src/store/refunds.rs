//! Table `refund`.

use std::collections::HashSet;

use db::{NamedParameters, RowReader, Tx};
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{PaymentId, RefundId, Timestamp};

use super::columns::{money, retry};
use crate::domain::{Refund, RefundState};

db::columns! {
    /// A refund.
    REFUND: "refund" as "r" = [
        id, payment_id, amount, currency, by_hand, state, stripe_id, failure, created_at, updated_at, tries,
        next_try_at, spent_keys,
    ];
}

fn read_refund(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Refund> {
    Ok(Refund::from_state(RefundState {
        id: row.next()?,
        payment_id: row.next()?,
        amount: money(row)?,
        made_at_stripe: row.next()?,
        status: row.next()?,
        stripe_id: row.next()?,
        failure: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        retry: retry(row)?,
        spent_keys: row.next()?,
    }))
}

/// Returns a refund.
pub(crate) fn refund(conn: &Connection, id: RefundId) -> Result<Option<Refund>, db::Error> {
    let sql = format!("SELECT {} FROM refund r WHERE r.id = ?1", REFUND.select);
    Ok(conn
        .prepare_cached(&sql)?
        .query_row([id], db::read_row(read_refund))
        .optional()?)
}

/// Returns the refund that has this id at Stripe, or that is named by Stripe's metadata while that id is unknown.
pub(crate) fn refund_at_stripe(
    conn: &Connection,
    stripe_id: &str,
    id: Option<RefundId>,
) -> Result<Option<Refund>, db::Error> {
    let sql = format!(
        "SELECT {} FROM refund r WHERE r.stripe_id = ?1 OR (r.id = ?2 AND r.stripe_id IS NULL)",
        REFUND.select
    );
    Ok(conn
        .prepare_cached(&sql)?
        .query_row((stripe_id, id), db::read_row(read_refund))
        .optional()?)
}

/// Returns the refunds of a payment, oldest first.
pub(crate) fn refunds_of(conn: &Connection, payment: PaymentId) -> Result<Vec<Refund>, db::Error> {
    let sql = format!(
        "SELECT {} FROM refund r WHERE r.payment_id = ?1 ORDER BY r.created_at, r.id",
        REFUND.select
    );
    let mut found = conn.prepare_cached(&sql)?;
    let refunds = found.query_map([payment], db::read_row(read_refund))?;
    Ok(refunds.collect::<Result<_, _>>()?)
}

/// Returns the refund of a payment that Stripe has to be called for now; none while the payment is not captured.
pub(crate) fn refund_due(conn: &Connection, payment: PaymentId, now: Timestamp) -> Result<Option<Refund>, db::Error> {
    let sql = format!(
        "SELECT {} FROM refund r JOIN taking USING (payment_id)
         WHERE r.payment_id = ?1 AND r.state = 'asked' AND r.next_try_at <= ?2 ORDER BY r.next_try_at LIMIT 1",
        REFUND.select
    );
    Ok(conn
        .prepare_cached(&sql)?
        .query_row((payment, now), db::read_row(read_refund))
        .optional()?)
}

/// Inserts a refund.
pub(crate) fn insert_refund(tx: &Tx, refund: &Refund) -> Result<(), db::Error> {
    let state = refund.state();
    tx.prepare_cached(REFUND.insert)?.execute_named(named_params! {
        ":id": state.id,
        ":payment_id": state.payment_id,
        ":currency": state.amount.currency,
        ":amount": state.amount.amount,
        ":by_hand": state.made_at_stripe,
        ":state": state.status,
        ":stripe_id": state.stripe_id,
        ":failure": state.failure,
        ":created_at": state.created_at,
        ":updated_at": state.updated_at,
        ":tries": state.retry.failed_attempts(),
        ":next_try_at": state.retry.next_at(),
        ":spent_keys": state.spent_keys,
    })?;
    Ok(())
}

/// Updates every column of a refund that can change.
pub(crate) fn update_refund(tx: &Tx, refund: &Refund) -> Result<(), db::Error> {
    let state = refund.state();
    tx.prepare_cached(
        "UPDATE refund
         SET state = :state, stripe_id = :stripe_id, failure = :failure, updated_at = :updated_at, tries = :tries,
             next_try_at = :next_try_at, spent_keys = :spent_keys
         WHERE id = :id",
    )?
    .execute_named(named_params! {
        ":id": state.id,
        ":state": state.status,
        ":stripe_id": state.stripe_id,
        ":failure": state.failure,
        ":updated_at": state.updated_at,
        ":tries": state.retry.failed_attempts(),
        ":next_try_at": state.retry.next_at(),
        ":spent_keys": state.spent_keys,
    })?;
    Ok(())
}

/// Returns the payments that have a refund due, longest overdue first. Up to `limit` refunds are read.
pub(crate) fn refunds_due(conn: &Connection, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, db::Error> {
    // Duplicates are removed here: `DISTINCT` makes SQLite read all refunds, by payment.
    let mut found = conn.prepare_cached(
        "SELECT r.payment_id FROM refund r CROSS JOIN taking USING (payment_id)
         WHERE r.state = 'asked' AND r.next_try_at <= ?1 ORDER BY r.next_try_at LIMIT ?2",
    )?;
    let payments = found.query_map((now, limit), |row| row.get(0))?;
    let (mut due, mut seen) = (Vec::new(), HashSet::new());
    for payment in payments {
        let payment: PaymentId = payment?;
        if seen.insert(payment) {
            due.push(payment);
        }
    }
    Ok(due)
}

/// Returns when the oldest refund without a result was requested.
pub(crate) fn oldest_requested_refund_at(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    let mut oldest = conn.prepare_cached("SELECT min(created_at) FROM refund WHERE state = 'asked'")?;
    Ok(oldest.query_row([], |row| row.get(0))?)
}
