//! Table `dispute`.

use db::{NamedParameters, RowReader, Tx};
use rusqlite::{Connection, named_params};
use values::{PaymentId, Timestamp};

use crate::domain::Dispute;

db::columns! {
    /// A dispute.
    DISPUTE: "dispute" = [id, amount, status, reason, withdrawn, fee, fee_currency, created_at];
}

fn read_dispute(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Dispute> {
    Ok(Dispute {
        id: row.next()?,
        amount: row.next()?,
        status: row.next()?,
        reason: row.next()?,
        withdrawn: row.next()?,
        fee: row.next()?,
        fee_currency: row.next()?,
        created_at: row.next()?,
    })
}

/// Returns the disputes of a payment, oldest first.
pub(crate) fn disputes_of(conn: &Connection, payment: PaymentId) -> Result<Vec<Dispute>, db::Error> {
    let sql = format!(
        "SELECT {} FROM dispute WHERE payment_id = ?1 ORDER BY created_at, id",
        DISPUTE.select
    );
    let mut found = conn.prepare_cached(&sql)?;
    let disputes = found.query_map([payment], db::read_row(read_dispute))?;
    Ok(disputes.collect::<Result<_, _>>()?)
}

/// Stores the current state of a dispute.
pub(crate) fn upsert_dispute(tx: &Tx, payment: PaymentId, dispute: &Dispute, now: Timestamp) -> Result<(), db::Error> {
    let sql = format!(
        "INSERT INTO dispute ({}, payment_id, updated_at) VALUES ({}, :payment_id, :updated_at)
         ON CONFLICT (id) DO UPDATE
         SET amount = excluded.amount, status = excluded.status, reason = excluded.reason,
             withdrawn = excluded.withdrawn, fee = excluded.fee, fee_currency = excluded.fee_currency,
             created_at = excluded.created_at, updated_at = excluded.updated_at",
        DISPUTE.names, DISPUTE.placeholders
    );
    tx.prepare_cached(&sql)?.execute_named(named_params! {
        ":id": dispute.id,
        ":payment_id": payment,
        ":amount": dispute.amount,
        ":status": dispute.status,
        ":reason": dispute.reason,
        ":withdrawn": dispute.withdrawn,
        ":fee": dispute.fee,
        ":fee_currency": dispute.fee_currency,
        ":created_at": dispute.created_at,
        ":updated_at": now,
    })?;
    Ok(())
}
