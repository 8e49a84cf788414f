//! Orders.

use db::{Error, NamedParameters, RowReader, Tx, read_row};
use events::Dispute;
use rusqlite::{Connection, OptionalExtension, Params, named_params, types::Type};
use values::{Money, OrderId, TicketId, Timestamp, UserId};

use super::upper_bound;
use crate::domain::{AfterSale, Order, OrderState, RefundedTickets};

db::columns! {
    /// The stored columns of an order.
    ORDER: r#""order""# = [
        amount, currency, dispute_status, dispute_amount, id, version, status, cancel_reason, buyer_id, seller_id,
        ticket_id, title, quantity, expires_at, payment_id, pending_payment_id, over_payment_id, extended_at,
        refundable_until, refunded_quantity, returned_quantity, refunded_amount, payment_version, created_at,
        updated_at,
    ];
}

/// Returns an order.
pub(crate) fn find_order(conn: &Connection, id: OrderId) -> Result<Option<Order>, Error> {
    let sql = select("WHERE id = ?");
    Ok(conn.prepare_cached(&sql)?.query_row([id], read_row(order)).optional()?)
}

/// Returns the paid orders of a listing, sorted by id: at most `limit` after `after`.
pub(crate) fn paid_orders(conn: &Connection, ticket: TicketId, after: &str, limit: u32) -> Result<Vec<Order>, Error> {
    // The first condition on the status is the one of the index.
    let condition =
        "WHERE ticket_id = ? AND status IN ('awaiting:payment', 'complete') AND status = 'complete' AND id > ?
                     ORDER BY id LIMIT ?";
    query(conn, condition, (ticket, after, limit))
}

/// The condition on the status is the one of the index.
const SALES_OF_SELLER: &str =
    "WHERE seller_id = ? AND status IN ('awaiting:payment', 'complete') AND id < ? ORDER BY id DESC LIMIT ?";

/// As [`SALES_OF_SELLER`].
const SALES_OF_LISTING: &str =
    "WHERE ticket_id = ? AND status IN ('awaiting:payment', 'complete') AND id < ? ORDER BY id DESC LIMIT ?";

/// Returns the orders of a listing that are paid or being paid, the newest first: at most `limit` before `before`.
pub(crate) fn sales_of_listing(
    conn: &Connection,
    ticket: TicketId,
    before: Option<OrderId>,
    limit: u32,
) -> Result<Vec<Order>, Error> {
    query(conn, SALES_OF_LISTING, (ticket, upper_bound(before), limit))
}

/// Returns a seller's orders that are paid or being paid, the newest first: at most `limit` before `before`.
pub(crate) fn sales_of_seller(
    conn: &Connection,
    seller: UserId,
    before: Option<OrderId>,
    limit: u32,
) -> Result<Vec<Order>, Error> {
    query(conn, SALES_OF_SELLER, (seller, upper_bound(before), limit))
}

/// Returns orders of a listing that wait for their payment, `limit` at most.
pub(crate) fn open_orders(conn: &Connection, ticket: TicketId, limit: u32) -> Result<Vec<Order>, Error> {
    query(
        conn,
        "WHERE ticket_id = ? AND status = 'created' LIMIT ?",
        (ticket, limit),
    )
}

/// Returns any orders, sorted by id: at most `limit` after `after`.
pub(crate) fn orders_after(conn: &Connection, after: &str, limit: u32) -> Result<Vec<Order>, Error> {
    query(conn, "WHERE id > ? ORDER BY id LIMIT ?", (after, limit))
}

/// Inserts a new order.
pub(crate) fn insert_order(tx: &Tx, order: &Order) -> Result<(), Error> {
    let state = order.state();
    let AfterSale { tickets, dispute, .. } = state.after_sale;
    tx.prepare_cached(ORDER.insert)?.execute_named(named_params! {
        ":id": state.id,
        ":version": state.version,
        ":status": state.status,
        ":cancel_reason": state.cancel_reason,
        ":buyer_id": state.buyer_id,
        ":seller_id": state.seller_id,
        ":ticket_id": state.ticket_id,
        ":title": state.title,
        ":amount": state.price.amount,
        ":currency": state.price.currency,
        ":quantity": state.quantity,
        ":expires_at": state.expires_at,
        ":payment_id": state.payment_id,
        ":pending_payment_id": state.pending_payment_id,
        ":over_payment_id": state.failed_payment_id,
        ":extended_at": state.extended_at,
        ":refundable_until": state.refundable_until,
        ":refunded_quantity": tickets.refunded,
        ":returned_quantity": tickets.returned,
        ":refunded_amount": state.after_sale.refunded_amount,
        ":dispute_status": dispute.map(|dispute| dispute.status),
        ":dispute_amount": dispute.map(|dispute| dispute.amount.amount),
        ":payment_version": state.after_sale.payment_version,
        ":created_at": state.created_at,
        ":updated_at": state.updated_at,
    })?;
    Ok(())
}

/// Stores the values of an order that transitions change.
pub(crate) fn update_order(tx: &Tx, order: &Order) -> Result<(), Error> {
    let state = order.state();
    let AfterSale { tickets, dispute, .. } = state.after_sale;
    tx.prepare_cached(
        r#"UPDATE "order" SET version = :version, status = :status, cancel_reason = :cancel_reason,
               expires_at = :expires_at, payment_id = :payment_id, pending_payment_id = :pending_payment_id,
               over_payment_id = :over_payment_id, extended_at = :extended_at, refunded_quantity = :refunded_quantity,
               returned_quantity = :returned_quantity, refunded_amount = :refunded_amount,
               dispute_status = :dispute_status, dispute_amount = :dispute_amount, payment_version = :payment_version,
               updated_at = :updated_at
           WHERE id = :id"#,
    )?
    .execute_named(named_params! {
        ":id": state.id,
        ":version": state.version,
        ":status": state.status,
        ":cancel_reason": state.cancel_reason,
        ":expires_at": state.expires_at,
        ":payment_id": state.payment_id,
        ":pending_payment_id": state.pending_payment_id,
        ":over_payment_id": state.failed_payment_id,
        ":extended_at": state.extended_at,
        ":refunded_quantity": tickets.refunded,
        ":returned_quantity": tickets.returned,
        ":refunded_amount": state.after_sale.refunded_amount,
        ":dispute_status": dispute.map(|dispute| dispute.status),
        ":dispute_amount": dispute.map(|dispute| dispute.amount.amount),
        ":payment_version": state.after_sale.payment_version,
        ":updated_at": state.updated_at,
    })?;
    Ok(())
}

/// Returns the ids of the newest order and the newest listing.
pub(crate) fn newest_ids(conn: &Connection) -> Result<(Option<OrderId>, Option<TicketId>), Error> {
    let newest = conn.query_row(
        r#"SELECT (SELECT max(id) FROM "order"), (SELECT max(id) FROM listing)"#,
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(newest)
}

/// The number of orders in one status.
pub(crate) struct OrderCount {
    pub(crate) status: String,
    /// Why they were cancelled; empty for any other status.
    pub(crate) reason: String,
    pub(crate) orders: i64,
    /// The sum of their quantities.
    pub(crate) tickets: i64,
}

/// Returns the number of orders in each status that any order has had, in constant time.
pub(crate) fn order_counts(conn: &Connection) -> Result<Vec<OrderCount>, Error> {
    let counts = conn
        .prepare_cached("SELECT status, reason, orders, tickets FROM tally")?
        .query_map([], |row| {
            Ok(OrderCount {
                status: row.get(0)?,
                reason: row.get(1)?,
                orders: row.get(2)?,
                tickets: row.get(3)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(counts)
}

/// Returns the earliest deadline of all created orders.
pub(crate) fn earliest_deadline(conn: &Connection) -> Result<Option<Timestamp>, Error> {
    let earliest = conn
        .prepare_cached(r#"SELECT min(expires_at) FROM "order" WHERE status = 'created'"#)?
        .query_row([], |row| row.get(0))?;
    Ok(earliest)
}

/// Selects what [`query_all`] reads.
pub(super) fn select(condition: &str) -> String {
    format!(r#"SELECT {}, claimed_quantity FROM "order" {condition}"#, ORDER.select)
}

pub(super) fn query(conn: &Connection, condition: &str, params: impl Params) -> Result<Vec<Order>, Error> {
    query_all(conn, &select(condition), params)
}

/// Returns all orders of a statement made by [`select`].
pub(super) fn query_all(conn: &Connection, sql: &str, params: impl Params) -> Result<Vec<Order>, Error> {
    let mut statement = conn.prepare_cached(sql)?;
    let orders = statement.query_map(params, read_row(order))?;
    Ok(orders.collect::<Result<_, _>>()?)
}

/// Reads [`ORDER`] and `claimed_quantity`.
fn order(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Order> {
    let price = Money {
        amount: row.next()?,
        currency: row.next()?,
    };
    let (dispute_status, dispute_amount) = (row.next::<Option<_>>()?, row.next::<Option<_>>()?);
    let dispute = dispute_status.zip(dispute_amount).map(|(status, amount)| Dispute {
        status,
        amount: Money { amount, ..price },
    });
    let state = OrderState {
        id: row.next()?,
        version: row.next()?,
        status: row.next()?,
        cancel_reason: row.next()?,
        buyer_id: row.next()?,
        seller_id: row.next()?,
        ticket_id: row.next()?,
        title: row.next()?,
        price,
        quantity: row.next()?,
        expires_at: row.next()?,
        payment_id: row.next()?,
        pending_payment_id: row.next()?,
        failed_payment_id: row.next()?,
        extended_at: row.next()?,
        refundable_until: row.next()?,
        after_sale: AfterSale {
            tickets: RefundedTickets {
                refunded: row.next()?,
                returned: row.next()?,
            },
            refunded_amount: row.next()?,
            dispute,
            payment_version: row.next()?,
        },
        created_at: row.next()?,
        updated_at: row.next()?,
        claimed_quantity: row.next()?,
    };
    // Placing checked the total, so an error means that the row was changed by other means.
    Order::from_state(state).map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Integer, error.into()))
}

#[cfg(test)]
mod tests {
    use chassis::Service;
    use db::Tx;

    use super::*;

    #[test]
    fn sales_are_read_in_the_order_of_an_index() {
        let conn = Tx::in_memory(&crate::Orders::SCHEMA).unwrap();
        for (condition, index) in [
            (SALES_OF_LISTING, "order_sold_by_ticket"),
            (SALES_OF_SELLER, "order_sold_by_seller"),
        ] {
            let plan = db::query_plan(&conn, &select(condition)).unwrap();
            assert_eq!(plan.len(), 1, "{plan:#?}");
            assert!(plan[0].contains(index), "{plan:#?}");
        }
    }
}
