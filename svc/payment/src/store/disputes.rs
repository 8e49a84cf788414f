//! Disputes.

use db::Tx;
use rusqlite::{
    Connection, Row, named_params,
    types::{FromSql, FromSqlError, FromSqlResult, ValueRef},
};
use values::{PaymentId, Timestamp};

use crate::domain::{Dispute, DisputeStatus};

struct DisputeWord(DisputeStatus);

impl FromSql for DisputeWord {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        DisputeStatus::of_word(value.as_str()?)
            .map(Self)
            .ok_or(FromSqlError::InvalidType)
    }
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
