use db::Error;
use rusqlite::{Connection, OptionalExtension};
use values::{OrderId, TicketId};

use crate::domain::Progress;

/// Remembers that the sales of a withdrawn listing are to be refunded.
pub(crate) fn begin_withdrawal(conn: &Connection, ticket: TicketId) -> Result<(), Error> {
    conn.prepare_cached("INSERT INTO withdrawal (ticket_id) VALUES (?) ON CONFLICT DO NOTHING")?
        .execute([ticket])?;
    Ok(())
}

/// Has the sales of a withdrawn listing looked at from the first one on.
pub(crate) fn begin_withdrawal_again(conn: &Connection, ticket: TicketId) -> Result<(), Error> {
    conn.prepare_cached(
        "INSERT INTO withdrawal (ticket_id) VALUES (?) ON CONFLICT (ticket_id) DO UPDATE SET after = '', done = 0",
    )?
    .execute([ticket])?;
    Ok(())
}

/// A withdrawn listing whose sales are not refunded wholly, and up to which order they are.
pub(crate) fn open_withdrawal(conn: &Connection) -> Result<Option<(TicketId, String)>, Error> {
    let mut open = conn.prepare_cached("SELECT ticket_id, after FROM withdrawal WHERE done = 0 LIMIT 1")?;
    Ok(open.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// The sales of a withdrawn listing are refunded up to this order; with none, all of them are.
pub(crate) fn advance_withdrawal(conn: &Connection, ticket: TicketId, after: Option<OrderId>) -> Result<(), Error> {
    conn.prepare_cached("UPDATE withdrawal SET after = coalesce(?2, after), done = ?2 IS NULL WHERE ticket_id = ?1")?
        .execute((ticket, after))?;
    Ok(())
}

/// How far the sales of a listing are refunded.
pub(crate) fn progress(conn: &Connection, ticket: TicketId) -> Result<Progress, Error> {
    let mut counted = conn.prepare_cached(
        r#"SELECT count(*), count(*) FILTER (WHERE back AND NOT sent_back), count(*) FILTER (WHERE NOT back AND failed),
                  count(*) FILTER (WHERE back AND sent_back)
           FROM (SELECT refunded_quantity = quantity OR coalesce(dispute_status = 'lost', 0) AS back,
                        claimed_quantity < quantity
                            AND EXISTS (SELECT 1 FROM refund r WHERE r.order_id = o.id AND r.status = 'failed') AS failed,
                        EXISTS (SELECT 1 FROM refund r WHERE r.order_id = o.id AND r.status = 'paid'
                                    AND r.failure IS NOT NULL) AS sent_back
                 FROM "order" o WHERE ticket_id = ? AND status IN ('awaiting:payment', 'complete'))"#,
    )?;
    Ok(counted.query_row([ticket], |row| {
        Ok(Progress {
            orders: row.get(0)?,
            refunded: row.get(1)?,
            failed: row.get(2)?,
            sent_back: row.get(3)?,
        })
    })?)
}
