//! Withdrawals of listings, and how far their sales are refunded.

use db::Error;
use rusqlite::{Connection, OptionalExtension};
use values::{OrderId, TicketId};

use crate::domain::WithdrawalProgress;

/// A withdrawn listing with sales still to refund.
pub(crate) struct OpenWithdrawal {
    pub(crate) ticket_id: TicketId,
    /// The id of the last order that was processed; empty at the start.
    pub(crate) after: String,
}

/// Starts refunding the sales of a withdrawn listing, if that was not started before.
pub(crate) fn start_withdrawal(conn: &Connection, ticket: TicketId) -> Result<(), Error> {
    conn.prepare_cached("INSERT INTO withdrawal (ticket_id) VALUES (?) ON CONFLICT DO NOTHING")?
        .execute([ticket])?;
    Ok(())
}

/// Starts refunding the sales of a withdrawn listing from the first order again.
pub(crate) fn restart_withdrawal(conn: &Connection, ticket: TicketId) -> Result<(), Error> {
    conn.prepare_cached(
        "INSERT INTO withdrawal (ticket_id) VALUES (?) ON CONFLICT (ticket_id) DO UPDATE SET after = '', done = 0",
    )?
    .execute([ticket])?;
    Ok(())
}

/// Returns one of the open withdrawals.
pub(crate) fn find_open_withdrawal(conn: &Connection) -> Result<Option<OpenWithdrawal>, Error> {
    let mut open = conn.prepare_cached("SELECT ticket_id, after FROM withdrawal WHERE done = 0 LIMIT 1")?;
    let open = open.query_row([], |row| {
        Ok(OpenWithdrawal {
            ticket_id: row.get(0)?,
            after: row.get(1)?,
        })
    });
    Ok(open.optional()?)
}

/// Records the last order that was processed; `None` closes the withdrawal.
pub(crate) fn advance_withdrawal(conn: &Connection, ticket: TicketId, last: Option<OrderId>) -> Result<(), Error> {
    conn.prepare_cached("UPDATE withdrawal SET after = coalesce(?2, after), done = ?2 IS NULL WHERE ticket_id = ?1")?
        .execute((ticket, last))?;
    Ok(())
}

/// Returns how far the sales of a listing are refunded.
pub(crate) fn withdrawal_progress(conn: &Connection, ticket: TicketId) -> Result<WithdrawalProgress, Error> {
    let mut progress = conn.prepare_cached(
        r#"SELECT count(*), count(*) FILTER (WHERE refunded AND NOT sent_back),
                  count(*) FILTER (WHERE NOT refunded AND failed), count(*) FILTER (WHERE refunded AND sent_back)
           FROM (SELECT refunded_quantity = quantity OR coalesce(dispute_status = 'lost', 0) AS refunded,
                        claimed_quantity < quantity AND EXISTS
                            (SELECT 1 FROM refund r WHERE r.order_id = o.id AND r.status = 'failed') AS failed,
                        EXISTS (SELECT 1 FROM refund r WHERE r.order_id = o.id AND r.status = 'paid'
                                    AND r.failure IS NOT NULL) AS sent_back
                 FROM "order" o WHERE ticket_id = ? AND status IN ('awaiting:payment', 'complete'))"#,
    )?;
    Ok(progress.query_row([ticket], |row| {
        Ok(WithdrawalProgress {
            orders: row.get(0)?,
            refunded: row.get(1)?,
            failed: row.get(2)?,
            sent_back: row.get(3)?,
        })
    })?)
}
