//! Money that was taken.

use db::Tx;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use values::{PaymentId, Timestamp};

use super::{columns::money, disputes::disputes_of};
use crate::domain::{BasisPoints, Dispute, Gone, Payment, Taking, that_counts};

/// For how long after it was paid a charge can be disputed, and some: what is older is not looked at again.
const DISPUTABLE: std::time::Duration = std::time::Duration::from_hours(180 * 24);

fn read_taking(row: &Row<'_>) -> rusqlite::Result<Taking> {
    Ok(Taking {
        payment_id: row.get("payment_id")?,
        amount: money(row)?,
        refunded: row.get("refunded")?,
        stripe_fee: match row.get("stripe_fee")? {
            Some(fee) => Some((fee, row.get("stripe_fee_currency")?)),
            None => None,
        },
        tries: row.get("tries")?,
        look_at: row.get("look_at")?,
        told_at: row.get("told_at")?,
    })
}

/// Keeps that the money of a payment was taken, with the platform's share of it; says whether that is new.
pub(crate) fn take(tx: &Tx, payment: &Payment, share: BasisPoints, now: Timestamp) -> Result<bool, db::Error> {
    let added = tx
        .prepare_cached(
            "INSERT INTO taking (payment_id, currency, amount, fee_basis_points, look_at)
             VALUES (:payment_id, :currency, :amount, :share, :look_at) ON CONFLICT (payment_id) DO NOTHING",
        )?
        .execute(named_params! {
            ":payment_id": payment.id,
            ":currency": payment.amount.currency,
            ":amount": payment.amount.amount,
            ":share": share.get(),
            ":look_at": now,
        })?;
    Ok(added > 0)
}

/// Money that was taken with a payment.
pub(crate) fn taking(conn: &Connection, payment: PaymentId) -> Result<Option<Taking>, db::Error> {
    Ok(conn
        .prepare_cached("SELECT * FROM taking WHERE payment_id = ?1")?
        .query_row([payment], read_taking)
        .optional()?)
}

/// Keeps what has changed of what is known of money that was taken. What went back, the refunds tell.
pub(crate) fn update_taking(tx: &Tx, taking: &Taking) -> Result<(), db::Error> {
    let fee = taking.stripe_fee.as_ref();
    tx.prepare_cached(
        "UPDATE taking
         SET stripe_fee = :fee, stripe_fee_currency = :fee_currency, tries = :tries, look_at = :look_at, told_at = :told_at
         WHERE payment_id = :payment_id",
    )?
    .execute(named_params! {
        ":payment_id": taking.payment_id,
        ":fee": fee.map(|(fee, _)| *fee),
        ":fee_currency": fee.map(|(_, currency)| currency),
        ":tries": taking.tries,
        ":look_at": taking.look_at,
        ":told_at": taking.told_at,
    })?;
    Ok(())
}

/// Has Stripe asked what has become of the money of a payment; says whether any was taken.
pub(crate) fn look_after(tx: &Tx, payment: PaymentId, now: Timestamp) -> Result<bool, db::Error> {
    let found = tx
        .prepare_cached(
            "UPDATE taking SET told_at = ?2, look_at = min(coalesce(look_at, ?2), ?2), tries = 0 WHERE payment_id = ?1",
        )?
        .execute((payment, now))?;
    Ok(found > 0)
}

/// Has Stripe asked what has become of all money that was taken lately.
pub(crate) fn look_after_all(tx: &Tx, now: Timestamp) -> Result<(), db::Error> {
    tx.prepare_cached(
        "UPDATE taking SET told_at = ?1, look_at = ?1, tries = 0
         WHERE payment_id IN (SELECT id FROM payment WHERE created_at > ?2)",
    )?
    .execute((now, now - DISPUTABLE))?;
    Ok(())
}

/// The payments about whose money Stripe is to be asked now: those of which a refund is asked for first.
pub(crate) fn to_look_after(conn: &Connection, now: Timestamp, limit: u32) -> Result<Vec<PaymentId>, db::Error> {
    let mut found = conn.prepare_cached(
        "SELECT payment_id FROM
             (SELECT DISTINCT r.payment_id FROM refund r JOIN taking USING (payment_id)
              WHERE r.state = 'asked' AND r.next_try_at <= ?1 LIMIT ?2)
         UNION SELECT payment_id FROM
             (SELECT payment_id FROM taking WHERE look_at <= ?1 ORDER BY look_at LIMIT ?2)",
    )?;
    let payments = found.query_map((now, limit), |row| row.get(0))?;
    Ok(payments.collect::<Result<_, _>>()?)
}

/// What of a payment's money is gone.
pub(crate) fn gone(conn: &Connection, payment: PaymentId) -> Result<Gone, db::Error> {
    let Some(taking) = taking(conn, payment)? else {
        return Ok(Gone::default());
    };
    Ok(Gone {
        refunded: taking.refunded,
        dispute: that_counts(&disputes_of(conn, payment)?).and_then(Dispute::told),
    })
}
