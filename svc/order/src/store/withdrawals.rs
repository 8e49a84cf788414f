//! Withdrawals of listings, and how far their sales are refunded.

use db::{Error, Tx};
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
pub(crate) fn start_withdrawal(tx: &Tx, ticket: TicketId) -> Result<(), Error> {
    tx.prepare_cached(
        r#"INSERT INTO withdrawal (ticket_id) VALUES (?1) ON CONFLICT (ticket_id) DO UPDATE SET done = 0
           WHERE EXISTS (SELECT 1 FROM "order" WHERE ticket_id = ?1 AND status = 'created')"#,
    )?
    .execute([ticket])?;
    Ok(())
}

/// Starts refunding the sales of a withdrawn listing from the first order again. An open withdrawal continues to its last
/// sale before: no number of retries delays that one.
pub(crate) fn restart_withdrawal(tx: &Tx, ticket: TicketId) -> Result<(), Error> {
    tx.prepare_cached(
        "INSERT INTO withdrawal (ticket_id) VALUES (?) ON CONFLICT (ticket_id) DO UPDATE SET
             after = iif(done, '', after), retry = NOT done AND after <> '', done = 0",
    )?
    .execute([ticket])?;
    Ok(())
}

/// The statement of [`closed_withdrawals_with_open_orders`]. It reads one entry of an index for each open order, and
/// searches the withdrawals for it.
const CLOSED_WITH_OPEN_ORDERS: &str = r#"SELECT DISTINCT o.ticket_id
     FROM "order" o CROSS JOIN withdrawal w ON w.ticket_id = o.ticket_id
     WHERE o.status = 'created' AND w.done = 1 LIMIT ?"#;

/// Returns listings whose withdrawal is closed although they have open orders, `limit` at most. Only the release before
/// withdrawals in steps leaves such: it closes a withdrawal when the sales are refunded.
pub(crate) fn closed_withdrawals_with_open_orders(conn: &Connection, limit: u32) -> Result<Vec<TicketId>, Error> {
    let mut statement = conn.prepare_cached(CLOSED_WITH_OPEN_ORDERS)?;
    let tickets = statement.query_map([limit], |row| row.get(0))?;
    Ok(tickets.collect::<Result<_, _>>()?)
}

/// Opens the withdrawal of a listing again, if it has one. Refunding continues after the last sale.
pub(crate) fn reopen_withdrawal(tx: &Tx, ticket: TicketId) -> Result<(), Error> {
    tx.prepare_cached("UPDATE withdrawal SET done = 0 WHERE ticket_id = ?")?
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

/// Records the last sale that was refunded; `None` closes the withdrawal, or begins its retry.
pub(crate) fn advance_withdrawal(tx: &Tx, ticket: TicketId, last: Option<OrderId>) -> Result<(), Error> {
    tx.prepare_cached(
        "UPDATE withdrawal SET after = coalesce(?2, iif(retry, '', after)), done = ?2 IS NULL AND NOT retry,
             retry = ?2 IS NOT NULL AND retry
         WHERE ticket_id = ?1",
    )?
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

#[cfg(test)]
mod tests {
    use chassis::Service;
    use db::{Db, Error};

    use super::CLOSED_WITH_OPEN_ORDERS;
    use crate::Orders;

    #[tokio::test]
    async fn closed_withdrawals_are_found_by_the_open_orders() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("order.db"), &Orders::SCHEMA).unwrap();
        let plan = db.read(|conn| Ok::<_, Error>(db::query_plan(conn, CLOSED_WITH_OPEN_ORDERS)?));
        assert_eq!(
            plan.await.unwrap(),
            [
                "SCAN o USING COVERING INDEX order_open_by_ticket",
                "SEARCH w USING PRIMARY KEY (ticket_id=?)"
            ]
        );
    }
}
