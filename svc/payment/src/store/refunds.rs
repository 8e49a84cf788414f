//! Money that goes back.

use db::Tx;
use rusqlite::{
    Connection, OptionalExtension, Row, named_params,
    types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};
use values::{PaymentId, RefundId, Timestamp};

use super::money;
use crate::refunds::{Dispute, DisputeStatus, Refund, State, Taking};

/// For how long after it was paid a charge can be disputed, and some: what is older is not looked at again.
const DISPUTABLE: std::time::Duration = std::time::Duration::from_hours(180 * 24);

struct StateWord(State);

impl ToSql for StateWord {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            State::Asked => "asked",
            State::Pending => "pending",
            State::Succeeded => "succeeded",
            State::Failed => "failed",
        }
        .into())
    }
}

impl FromSql for StateWord {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(match value.as_str()? {
            "asked" => State::Asked,
            "pending" => State::Pending,
            "succeeded" => State::Succeeded,
            "failed" => State::Failed,
            _ => return Err(FromSqlError::InvalidType),
        }))
    }
}

struct DisputeWord(DisputeStatus);

impl FromSql for DisputeWord {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        DisputeStatus::of_word(value.as_str()?)
            .map(Self)
            .ok_or(FromSqlError::InvalidType)
    }
}

fn read_refund(row: &Row<'_>) -> rusqlite::Result<Refund> {
    Ok(Refund {
        id: row.get("id")?,
        payment_id: row.get("payment_id")?,
        amount: money(row)?,
        by_hand: row.get("by_hand")?,
        state: row.get::<_, StateWord>("state")?.0,
        stripe_id: row.get("stripe_id")?,
        failure: row.get("failure")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
        tries: row.get("tries")?,
        next_try_at: row.get("next_try_at")?,
        spent_keys: row.get("spent_keys")?,
    })
}

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

fn read_dispute(row: &Row<'_>) -> rusqlite::Result<Dispute> {
    Ok(Dispute {
        id: row.get("id")?,
        amount: row.get("amount")?,
        status: row.get::<_, DisputeWord>("status")?.0,
        reason: row.get("reason")?,
        withdrawn: row.get("withdrawn")?,
        fee: row.get("fee")?,
        fee_currency: row.get("fee_currency")?,
        created_at: row.get("created_at")?,
    })
}

/// A refund.
pub(crate) fn refund(conn: &Connection, id: RefundId) -> Result<Option<Refund>, db::Error> {
    Ok(conn
        .prepare_cached("SELECT * FROM refund WHERE id = ?1")?
        .query_row([id], read_refund)
        .optional()?)
}

/// The refund that Stripe has under this name, or made for this one of ours.
pub(crate) fn refund_at_stripe(
    conn: &Connection,
    stripe_id: &str,
    id: Option<RefundId>,
) -> Result<Option<Refund>, db::Error> {
    Ok(conn
        .prepare_cached("SELECT * FROM refund WHERE stripe_id = ?1 OR (id = ?2 AND stripe_id IS NULL)")?
        .query_row((stripe_id, id), read_refund)
        .optional()?)
}

/// The refunds of a payment, the oldest first.
pub(crate) fn refunds_of(conn: &Connection, payment: PaymentId) -> Result<Vec<Refund>, db::Error> {
    let mut found = conn.prepare_cached("SELECT * FROM refund WHERE payment_id = ?1 ORDER BY created_at, id")?;
    let refunds = found.query_map([payment], read_refund)?;
    Ok(refunds.collect::<Result<_, _>>()?)
}

/// Keeps a new refund.
pub(crate) fn insert_refund(tx: &Tx, refund: &Refund) -> Result<(), db::Error> {
    tx.prepare_cached(
        "INSERT INTO refund (id, payment_id, currency, amount, by_hand, state, stripe_id, failure, created_at, updated_at,
             tries, next_try_at, spent_keys)
         VALUES (:id, :payment_id, :currency, :amount, :by_hand, :state, :stripe_id, :failure, :created_at, :updated_at,
             :tries, :next_try_at, :spent_keys)",
    )?
    .execute(named_params! {
        ":id": refund.id,
        ":payment_id": refund.payment_id,
        ":currency": refund.amount.currency,
        ":amount": refund.amount.amount,
        ":by_hand": refund.by_hand,
        ":state": StateWord(refund.state),
        ":stripe_id": refund.stripe_id,
        ":failure": refund.failure,
        ":created_at": refund.created_at,
        ":updated_at": refund.updated_at,
        ":tries": refund.tries,
        ":next_try_at": refund.next_try_at,
        ":spent_keys": refund.spent_keys,
    })?;
    Ok(())
}

/// Keeps what has changed of a refund.
pub(crate) fn update_refund(tx: &Tx, refund: &Refund) -> Result<(), db::Error> {
    tx.prepare_cached(
        "UPDATE refund
         SET state = :state, stripe_id = :stripe_id, failure = :failure, updated_at = :updated_at, tries = :tries,
             next_try_at = :next_try_at, spent_keys = :spent_keys
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": refund.id,
        ":state": StateWord(refund.state),
        ":stripe_id": refund.stripe_id,
        ":failure": refund.failure,
        ":updated_at": refund.updated_at,
        ":tries": refund.tries,
        ":next_try_at": refund.next_try_at,
        ":spent_keys": refund.spent_keys,
    })?;
    Ok(())
}

/// The refund of a payment that Stripe is to be asked for now, if its money was taken.
pub(crate) fn refund_to_ask_for(
    conn: &Connection,
    payment: PaymentId,
    now: Timestamp,
) -> Result<Option<Refund>, db::Error> {
    Ok(conn
        .prepare_cached(
            "SELECT r.* FROM refund r JOIN taking USING (payment_id)
             WHERE r.payment_id = ?1 AND r.state = 'asked' AND r.next_try_at <= ?2 ORDER BY r.next_try_at LIMIT 1",
        )?
        .query_row((payment, now), read_refund)
        .optional()?)
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

/// Since when the refund is asked for of which Stripe has said nothing for longest.
pub(crate) fn oldest_asked(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    let mut oldest = conn.prepare_cached("SELECT min(created_at) FROM refund WHERE state = 'asked'")?;
    Ok(oldest.query_row([], |row| row.get(0))?)
}

/// A payment comes to stand differently towards the others, though not by itself.
pub(crate) fn count_version(tx: &Tx, payment: PaymentId, now: Timestamp) -> Result<(), db::Error> {
    tx.prepare_cached("UPDATE payment SET version = version + 1, updated_at = max(updated_at, ?2) WHERE id = ?1")?
        .execute((payment, now))?;
    Ok(())
}

/// The disputes of a payment, the oldest first.
pub(crate) fn disputes_of(conn: &Connection, payment: PaymentId) -> Result<Vec<Dispute>, db::Error> {
    let mut found = conn.prepare_cached("SELECT * FROM dispute WHERE payment_id = ?1 ORDER BY created_at, id")?;
    let disputes = found.query_map([payment], read_dispute)?;
    Ok(disputes.collect::<Result<_, _>>()?)
}

/// Keeps how a dispute is now.
pub(crate) fn keep_dispute(tx: &Tx, payment: PaymentId, dispute: &Dispute, now: Timestamp) -> Result<(), db::Error> {
    tx.prepare_cached(
        "INSERT INTO dispute (id, payment_id, amount, status, reason, withdrawn, fee, fee_currency, created_at, updated_at)
         VALUES (:id, :payment_id, :amount, :status, :reason, :withdrawn, :fee, :fee_currency, :created_at, :updated_at)
         ON CONFLICT (id) DO UPDATE
         SET amount = excluded.amount, status = excluded.status, reason = excluded.reason,
             withdrawn = excluded.withdrawn, fee = excluded.fee, fee_currency = excluded.fee_currency,
             created_at = excluded.created_at, updated_at = excluded.updated_at",
    )?
    .execute(named_params! {
        ":id": dispute.id,
        ":payment_id": payment,
        ":amount": dispute.amount,
        ":status": dispute.status.word(),
        ":reason": dispute.reason,
        ":withdrawn": dispute.withdrawn,
        ":fee": dispute.fee,
        ":fee_currency": dispute.fee_currency,
        ":created_at": dispute.created_at,
        ":updated_at": now,
    })?;
    Ok(())
}
