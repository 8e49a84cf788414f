//! Money that goes back.

use db::Tx;
use rusqlite::{
    Connection, OptionalExtension, Row, named_params,
    types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};
use values::{PaymentId, RefundId, Timestamp};

use super::columns::money;
use crate::domain::{Refund, State};

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

/// Since when the refund is asked for of which Stripe has said nothing for longest.
pub(crate) fn oldest_asked(conn: &Connection) -> Result<Option<Timestamp>, db::Error> {
    let mut oldest = conn.prepare_cached("SELECT min(created_at) FROM refund WHERE state = 'asked'")?;
    Ok(oldest.query_row([], |row| row.get(0))?)
}
