//! Withdrawals of listings, and how far their sales are refunded.

use db::Error;
use rusqlite::{Connection, OptionalExtension};
use values::{OrderId, TicketId};

use crate::domain::WithdrawalProgress;

/// A withdrawn listing with orders still to cancel or to refund.
pub(crate) struct OpenWithdrawal {
    pub(crate) ticket_id: TicketId,
    /// The id of the last sale that was refunded; empty at the start.
    pub(crate) after: String,
}

/// Starts the withdrawal of a listing. One that was started before continues if the listing has open orders.
pub(crate) fn start_withdrawal(conn: &Connection, ticket: TicketId) -> Result<(), Error> {
    conn.prepare_cached(
        r#"INSERT INTO withdrawal (ticket_id) VALUES (?1) ON CONFLICT (ticket_id) DO UPDATE SET done = 0
           WHERE EXISTS (SELECT 1 FROM "order" WHERE ticket_id = ?1 AND status = 'created')"#,
    )?
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

/// Returns whether a withdrawal is open.
pub(crate) fn has_open_withdrawal(conn: &Connection) -> Result<bool, Error> {
    let mut open = conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM withdrawal WHERE done = 0)")?;
    Ok(open.query_row([], |row| row.get(0))?)
}

/// Returns the open withdrawal of the first listing after `last`, in a circle.
pub(crate) fn find_open_withdrawal(conn: &Connection, last: Option<TicketId>) -> Result<Option<OpenWithdrawal>, Error> {
    let mut open = conn.prepare_cached(
        "SELECT ticket_id, after FROM withdrawal WHERE done = 0 AND ticket_id > ? ORDER BY ticket_id LIMIT 1",
    )?;
    let mut find = |after: String| {
        let open = open.query_row([after], |row| {
            Ok(OpenWithdrawal {
                ticket_id: row.get(0)?,
                after: row.get(1)?,
            })
        });
        open.optional()
    };
    match last {
        Some(last) => find(last.to_string())?.map_or_else(|| find(String::new()), |next| Ok(Some(next))),
        None => find(String::new()),
    }
    .map_err(Error::from)
}

/// Records the last sale that was refunded; `None` closes the withdrawal.
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
