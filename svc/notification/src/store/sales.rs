use db::{NamedParameters, RowReader, Tx, read_row};
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{Money, OrderId, TicketId};

use crate::domain::Sale;

db::columns! {
    /// The columns of a sale.
    SALE: "sale" = [order_id, version, status, cancel_reason, buyer_id, ticket_id, quantity, refunded, amount, currency];
}

/// Stores the state of an order, unless a later one is stored.
pub(crate) fn upsert_sale(tx: &Tx, sale: &Sale) -> Result<(), db::Error> {
    let sql = format!(
        "{} ON CONFLICT (order_id) DO UPDATE SET version = excluded.version, status = excluded.status,
             cancel_reason = excluded.cancel_reason, buyer_id = excluded.buyer_id, ticket_id = excluded.ticket_id,
             quantity = excluded.quantity, refunded = excluded.refunded, amount = excluded.amount, currency = excluded.currency
         WHERE excluded.version > version",
        SALE.insert
    );
    tx.prepare_cached(&sql)?.execute_named(named_params! {
        ":order_id": sale.order_id,
        ":version": sale.version.cast_signed(),
        ":status": sale.status,
        ":cancel_reason": sale.cancel_reason,
        ":buyer_id": sale.buyer_id,
        ":ticket_id": sale.ticket_id,
        ":quantity": sale.quantity,
        ":refunded": sale.refunded,
        ":amount": sale.total.amount,
        ":currency": sale.total.currency,
    })?;
    Ok(())
}

/// Returns an order.
pub(crate) fn sale(conn: &Connection, id: OrderId) -> Result<Option<Sale>, db::Error> {
    let sql = format!("SELECT {} FROM sale WHERE order_id = ?1", SALE.select);
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row([id], read_row(read_sale)).optional()?)
}

/// Returns up to `limit` complete orders of a listing by id, after the order `after`.
pub(crate) fn sales_of_ticket_after(
    conn: &Connection,
    ticket: TicketId,
    after: &str,
    limit: u32,
) -> Result<Vec<Sale>, db::Error> {
    let sql = format!(
        "SELECT {} FROM sale WHERE ticket_id = ?1 AND order_id > ?2 AND status = 'complete' ORDER BY order_id LIMIT ?3",
        SALE.select
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let sales = statement.query_map((ticket, after, limit), read_row(read_sale))?;
    Ok(sales.collect::<Result<_, _>>()?)
}

fn read_sale(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Sale> {
    Ok(Sale {
        order_id: row.next()?,
        version: row.next::<i64>()?.unsigned_abs(),
        status: row.next()?,
        cancel_reason: row.next()?,
        buyer_id: row.next()?,
        ticket_id: row.next()?,
        quantity: row.next()?,
        refunded: row.next()?,
        total: Money {
            amount: row.next()?,
            currency: row.next()?,
        },
    })
}
