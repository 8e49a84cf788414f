//! Refunds.

use db::{Error, NamedParameters, RowReader, Tx, read_row};
use events::RefundStatus;
use rusqlite::{Connection, OptionalExtension, Params, named_params};
use values::{Money, OrderId, RefundId, Timestamp, UserId};

use super::upper_bound;
use crate::domain::{Refund, RefundReason, RefundState, RefundedTickets};

db::columns! {
    /// The stored columns of a refund, read from `refund r`.
    REFUND: "refund" as "r" = [
        id, version, status, order_id, seller_id, quantity, amount, asked_by, reason, failure, returned,
        payment_version, created_at, updated_at,
    ];
    /// The columns of its order, read from `"order" o`.
    REFUNDED_ORDER: r#""order""# as "o" = [currency, payment_id, buyer_id, ticket_id, title];
}

/// Returns a refund.
pub(crate) fn find_refund(conn: &Connection, id: RefundId) -> Result<Option<Refund>, Error> {
    let sql = select("WHERE r.id = ?");
    Ok(conn
        .prepare_cached(&sql)?
        .query_row([id], read_row(refund))
        .optional()?)
}

/// Returns the refunds of an order, the oldest first.
pub(crate) fn refunds_of_order(conn: &Connection, order: OrderId) -> Result<Vec<Refund>, Error> {
    query(conn, "WHERE r.order_id = ? ORDER BY r.id", [order])
}

/// Returns the number of refunds of an order that were declined or failed: all others claim tickets, and are bounded by them.
pub(crate) fn vain_refund_count(conn: &Connection, order: OrderId) -> Result<u32, Error> {
    let mut count = conn.prepare_cached("SELECT count(*) FROM refund WHERE order_id = ? AND claimed = 0")?;
    Ok(count.query_row([order], |row| row.get(0))?)
}

/// Returns a seller's refunds with the status, the newest first: at most `limit` before `before`.
pub(crate) fn refunds_of_seller(
    conn: &Connection,
    seller: UserId,
    status: Option<RefundStatus>,
    before: Option<RefundId>,
    limit: u32,
) -> Result<Vec<Refund>, Error> {
    let filter = if status.is_some() {
        "AND r.status = ?2"
    } else {
        "AND ?2 IS NULL"
    };
    let before = upper_bound(before);
    let condition = format!("WHERE r.seller_id = ?1 {filter} AND r.id < ?3 ORDER BY r.id DESC LIMIT ?4");
    query(conn, &condition, (seller, status, before, limit))
}

/// Selects the newest order of a buyer before an id that has refunds. Only complete orders have.
const REFUNDED_ORDER_OF_BUYER: &str = r#"SELECT o.id FROM "order" o
    WHERE o.buyer_id = ?1 AND o.status = 'complete' AND o.id < ?2
      AND EXISTS (SELECT 1 FROM refund r WHERE r.order_id = o.id)
    ORDER BY o.id DESC LIMIT 1"#;

/// Returns the refunds of a buyer's orders, by order, the newest first: at most `limit` before `before`.
pub(crate) fn refunds_of_buyer(
    conn: &Connection,
    buyer: UserId,
    before: Option<(OrderId, RefundId)>,
    limit: usize,
) -> Result<Vec<Refund>, Error> {
    // The order of a position comes from the client.
    let of_order = "WHERE r.order_id = ?1 AND o.buyer_id = ?2 AND r.id < ?3 ORDER BY r.id DESC LIMIT ?4";
    let mut refunds = Vec::new();
    if let Some((order, before)) = before {
        refunds = query(conn, of_order, (order, buyer, before, limit))?;
    }
    let mut end = before.map(|(order, _)| order);
    let mut next_order = conn.prepare_cached(REFUNDED_ORDER_OF_BUYER)?;
    while refunds.len() < limit {
        let order = next_order.query_row((buyer, upper_bound(end)), |row| row.get::<_, OrderId>(0));
        let Some(order) = order.optional()? else { break };
        let rest = limit - refunds.len();
        refunds.extend(query(
            conn,
            of_order,
            (order, buyer, upper_bound(None::<RefundId>), rest),
        )?);
        end = Some(order);
    }
    Ok(refunds)
}

/// Returns the refunds that a seller has requested, the newest first: at most `limit` before `before`.
pub(crate) fn refunds_by_seller(
    conn: &Connection,
    seller: UserId,
    before: Option<RefundId>,
    limit: u32,
) -> Result<Vec<Refund>, Error> {
    let condition = "WHERE r.seller_id = ?1 AND r.asked_by = 'seller' AND r.id < ?2 ORDER BY r.id DESC LIMIT ?3";
    query(conn, condition, (seller, upper_bound(before), limit))
}

/// Returns any refunds, sorted by id: at most `limit` after `after`.
pub(crate) fn refunds_after(conn: &Connection, after: &str, limit: u32) -> Result<Vec<Refund>, Error> {
    query(conn, "WHERE r.id > ? ORDER BY r.id LIMIT ?", (after, limit))
}

/// Inserts a new refund. A trigger adds its tickets to those that the order's refunds claim; a CHECK fails if they
/// would exceed the order.
pub(crate) fn insert_refund(tx: &Tx, refund: &Refund) -> Result<(), Error> {
    let state = refund.state();
    tx.prepare_cached(REFUND.insert)?.execute_named(named_params! {
        ":id": state.id,
        ":version": state.version,
        ":status": state.status,
        ":order_id": state.order_id,
        ":seller_id": state.seller_id,
        ":quantity": state.quantity,
        ":amount": state.amount.amount,
        ":asked_by": state.requested_by,
        ":reason": state.reason.as_ref().map(RefundReason::as_str),
        ":failure": state.failure,
        ":returned": state.returned,
        ":payment_version": state.payment_version,
        ":created_at": state.created_at,
        ":updated_at": state.updated_at,
    })?;
    Ok(())
}

/// Stores the values of a refund that transitions change.
pub(crate) fn update_refund(tx: &Tx, refund: &Refund) -> Result<(), Error> {
    let state = refund.state();
    tx.prepare_cached(
        "UPDATE refund SET version = :version, status = :status, failure = :failure, returned = :returned,
             payment_version = :payment_version, updated_at = :updated_at
         WHERE id = :id",
    )?
    .execute_named(named_params! {
        ":id": state.id,
        ":version": state.version,
        ":status": state.status,
        ":failure": state.failure,
        ":returned": state.returned,
        ":payment_version": state.payment_version,
        ":updated_at": state.updated_at,
    })?;
    Ok(())
}

/// Returns the number of tickets in the paid refunds of an order.
pub(crate) fn refunded_tickets(conn: &Connection, order: OrderId) -> Result<RefundedTickets, Error> {
    let mut sums = conn.prepare_cached(
        "SELECT coalesce(sum(quantity), 0), coalesce(sum(quantity) FILTER (WHERE returned), 0)
         FROM refund WHERE order_id = ? AND status = 'paid'",
    )?;
    Ok(sums.query_row([order], |row| {
        Ok(RefundedTickets {
            refunded: row.get(0)?,
            returned: row.get(1)?,
        })
    })?)
}

/// The number of refunds in one open status.
pub(crate) struct OpenRefundCount {
    pub(crate) status: RefundStatus,
    pub(crate) refunds: i64,
    /// Since when the first of them has the status.
    pub(crate) since: Option<Timestamp>,
}

/// Returns the number of refunds that wait for a decision, and of those that wait for their payment.
pub(crate) fn open_refund_counts(conn: &Connection) -> Result<Vec<OpenRefundCount>, Error> {
    // The first condition on the status is the one of the index.
    let mut count = conn.prepare_cached(
        "SELECT count(*), min(updated_at) FROM refund WHERE status IN ('requested', 'approved') AND status = ?",
    )?;
    [RefundStatus::Requested, RefundStatus::Approved]
        .into_iter()
        .map(|status| {
            Ok(count.query_row([status], |row| {
                Ok(OpenRefundCount {
                    status,
                    refunds: row.get(0)?,
                    since: row.get(1)?,
                })
            })?)
        })
        .collect()
}

fn select(condition: &str) -> String {
    format!(
        r#"SELECT {}, {} FROM refund r JOIN "order" o ON o.id = r.order_id {condition}"#,
        REFUNDED_ORDER.select, REFUND.select
    )
}

fn query(conn: &Connection, condition: &str, params: impl Params) -> Result<Vec<Refund>, Error> {
    let mut statement = conn.prepare_cached(&select(condition))?;
    let refunds = statement.query_map(params, read_row(refund))?;
    Ok(refunds.collect::<Result<_, _>>()?)
}

/// Reads [`REFUNDED_ORDER`] and [`REFUND`].
fn refund(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Refund> {
    let currency = row.next()?;
    Ok(Refund::from_state(RefundState {
        payment_id: row.next()?,
        buyer_id: row.next()?,
        ticket_id: row.next()?,
        title: row.next()?,
        id: row.next()?,
        version: row.next()?,
        status: row.next()?,
        order_id: row.next()?,
        seller_id: row.next()?,
        quantity: row.next()?,
        amount: Money {
            amount: row.next()?,
            currency,
        },
        requested_by: row.next()?,
        reason: row.next::<Option<String>>()?.map(RefundReason::from_parsed),
        failure: row.next()?,
        returned: row.next()?,
        payment_version: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    }))
}

#[cfg(test)]
mod tests {
    use chassis::Service;

    use super::*;

    #[test]
    fn the_refunded_orders_of_a_buyer_are_found_by_index() {
        let conn = Tx::in_memory(&crate::Orders::SCHEMA).unwrap();
        let plan = db::query_plan(&conn, REFUNDED_ORDER_OF_BUYER).unwrap();
        assert!(
            plan.iter()
                .all(|step| !step.contains("SCAN") && !step.contains("B-TREE")),
            "{plan:#?}"
        );
        assert!(
            plan[0].contains("order_by_buyer_and_status (buyer_id=? AND status=? AND id<?)"),
            "{plan:#?}"
        );
    }
}
