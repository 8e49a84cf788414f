use db::Error;
use events::{CancelReason, Dispute, DisputeStatus, OrderStatus};
use rusqlite::{Connection, OptionalExtension, Row, params, types::Type};
use values::{Money, OrderId, TicketId, Timestamp, UserId};

use crate::domain::{AfterSale, GivenBack, Order, Shown};

const COLUMNS: &str = "id, version, status, cancel_reason, buyer_id, seller_id, ticket_id, title, amount, currency,
    quantity, expires_at, payment_id, created_at, updated_at, pending_payment_id, over_payment_id, extended_at,
    refundable_until, refunded_quantity, returned_quantity, refunded_amount, dispute_status, dispute_amount,
    payment_version";

/// What is not kept with the order but follows from its refunds.
const DERIVED: &str = "claimed_quantity";

/// An order.
pub(crate) fn order(conn: &Connection, id: OrderId) -> Result<Option<Order>, Error> {
    let found = conn
        .prepare_cached(&format!(r#"SELECT {COLUMNS}, {DERIVED} FROM "order" WHERE id = ?"#))?
        .query_row([id], read)
        .optional()?;
    Ok(found)
}

/// A buyer's orders, the newest first: those before `before`, at most `rows`.
pub(crate) fn of_buyer(
    conn: &Connection,
    buyer: UserId,
    shown: Option<Shown>,
    before: Option<OrderId>,
    rows: u32,
) -> Result<Vec<Order>, Error> {
    let (status, filter) = match shown {
        None => (None, "?2 IS NULL"),
        Some(Shown::Stored(OrderStatus::Complete)) => {
            (Some(OrderStatus::Complete), "status = ?2 AND refunded_quantity = 0")
        }
        Some(Shown::Stored(status)) => (Some(status), "status = ?2"),
        Some(Shown::PartiallyRefunded) => (
            Some(OrderStatus::Complete),
            "status = ?2 AND refunded_quantity BETWEEN 1 AND quantity - 1",
        ),
        Some(Shown::Refunded) => (
            Some(OrderStatus::Complete),
            "status = ?2 AND refunded_quantity = quantity",
        ),
    };
    // Ids sort by the moment of their making; no id sorts after this one.
    let before = before.map_or_else(|| "~".to_owned(), |id| id.to_string());
    let found = conn
        .prepare_cached(&format!(
            r#"SELECT {COLUMNS}, {DERIVED} FROM "order"
               WHERE buyer_id = ?1 AND {filter} AND id < ?3 ORDER BY id DESC LIMIT ?4"#
        ))?
        .query_map((buyer, status.map(status_text), before, rows), read)?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

/// Paid orders of a listing, in the order of their ids: those after `after`, at most `rows`.
pub(crate) fn sold(conn: &Connection, ticket: TicketId, after: &str, rows: u32) -> Result<Vec<Order>, Error> {
    let found = conn
        .prepare_cached(&format!(
            r#"SELECT {COLUMNS}, {DERIVED} FROM "order"
               WHERE ticket_id = ? AND status IN ('awaiting:payment', 'complete') AND status = 'complete' AND id > ?
               ORDER BY id LIMIT ?"#
        ))?
        .query_map((ticket, after, rows), read)?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

/// The orders of a listing that are still to be paid.
pub(crate) fn open_orders(conn: &Connection, ticket: TicketId) -> Result<Vec<Order>, Error> {
    let found = conn
        .prepare_cached(&format!(
            r#"SELECT {COLUMNS}, {DERIVED} FROM "order" WHERE ticket_id = ? AND status = 'created'"#
        ))?
        .query_map([ticket], read)?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

/// All orders, in the order of their ids: those after `after`, at most `rows`.
pub(crate) fn page(conn: &Connection, after: &str, rows: u32) -> Result<Vec<Order>, Error> {
    let found = conn
        .prepare_cached(&format!(
            r#"SELECT {COLUMNS}, {DERIVED} FROM "order" WHERE id > ? ORDER BY id LIMIT ?"#
        ))?
        .query_map((after, rows), read)?
        .collect::<Result<_, _>>()?;
    Ok(found)
}

/// Keeps a new order.
pub(crate) fn insert(conn: &Connection, order: &Order) -> Result<(), Error> {
    conn.prepare_cached(&format!(
        r#"INSERT INTO "order" ({COLUMNS})
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"#
    ))?
    .execute(params![
        order.id,
        order.version,
        status_text(order.status),
        order.cancel_reason.map(reason_text),
        order.buyer_id,
        order.seller_id,
        order.ticket_id,
        &order.title,
        order.price.amount,
        order.price.currency,
        order.quantity,
        order.expires_at,
        order.payment_id,
        order.created_at,
        order.updated_at,
        order.pending,
        order.over,
        order.extended_at,
        order.refundable_until,
        order.after.tickets.refunded,
        order.after.tickets.returned,
        order.after.refunded_amount,
        order.after.dispute.map(|dispute| dispute_text(dispute.status)),
        order.after.dispute.map(|dispute| dispute.amount.amount),
        order.after.payment_version,
    ])?;
    Ok(())
}

/// Keeps an order's new state.
pub(crate) fn update(conn: &Connection, order: &Order) -> Result<(), Error> {
    conn.prepare_cached(
        r#"UPDATE "order" SET version = ?, status = ?, cancel_reason = ?, expires_at = ?, payment_id = ?, updated_at = ?,
               pending_payment_id = ?, over_payment_id = ?, extended_at = ?, refunded_quantity = ?,
               returned_quantity = ?, refunded_amount = ?, dispute_status = ?, dispute_amount = ?, payment_version = ?
           WHERE id = ?"#,
    )?
    .execute(params![
        order.version,
        status_text(order.status),
        order.cancel_reason.map(reason_text),
        order.expires_at,
        order.payment_id,
        order.updated_at,
        order.pending,
        order.over,
        order.extended_at,
        order.after.tickets.refunded,
        order.after.tickets.returned,
        order.after.refunded_amount,
        order.after.dispute.map(|dispute| dispute_text(dispute.status)),
        order.after.dispute.map(|dispute| dispute.amount.amount),
        order.after.payment_version,
        order.id,
    ])?;
    Ok(())
}

/// The newest order and the newest listing.
pub(crate) fn newest(conn: &Connection) -> Result<(Option<OrderId>, Option<TicketId>), Error> {
    let newest = conn.query_row(
        r#"SELECT (SELECT max(id) FROM "order"), (SELECT max(id) FROM listing)"#,
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(newest)
}

/// How many orders there are in one state.
pub(crate) struct Counted {
    pub(crate) status: String,
    /// Why they were cancelled; empty for those that were not.
    pub(crate) reason: String,
    pub(crate) orders: i64,
    /// How many tickets they stand for.
    pub(crate) tickets: i64,
}

/// How many orders there are in each state that there ever was an order in.
pub(crate) fn tally(conn: &Connection) -> Result<Vec<Counted>, Error> {
    let counted = conn
        .prepare_cached("SELECT status, reason, orders, tickets FROM tally")?
        .query_map([], |row| {
            Ok(Counted {
                status: row.get(0)?,
                reason: row.get(1)?,
                orders: row.get(2)?,
                tickets: row.get(3)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(counted)
}

/// The first deadline of all open orders.
pub(crate) fn first_deadline(conn: &Connection) -> Result<Option<Timestamp>, Error> {
    let first = conn
        .prepare_cached(r#"SELECT min(expires_at) FROM "order" WHERE status = 'created'"#)?
        .query_row([], |row| row.get(0))?;
    Ok(first)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Order> {
    let dispute = row.get::<_, Option<String>>("dispute_status")?.map(|status| {
        let amount = Money {
            amount: row.get("dispute_amount")?,
            currency: row.get("currency")?,
        };
        let status = parse(&status, &DISPUTES)?;
        Ok::<_, rusqlite::Error>(Dispute { status, amount })
    });
    Ok(Order {
        id: row.get("id")?,
        version: row.get("version")?,
        status: parse(&row.get::<_, String>("status")?, &STATUSES)?,
        cancel_reason: row
            .get::<_, Option<String>>("cancel_reason")?
            .map(|text| parse(&text, &REASONS))
            .transpose()?,
        buyer_id: row.get("buyer_id")?,
        seller_id: row.get("seller_id")?,
        ticket_id: row.get("ticket_id")?,
        title: row.get("title")?,
        price: Money {
            amount: row.get("amount")?,
            currency: row.get("currency")?,
        },
        quantity: row.get("quantity")?,
        expires_at: row.get("expires_at")?,
        payment_id: row.get("payment_id")?,
        pending: row.get("pending_payment_id")?,
        over: row.get("over_payment_id")?,
        extended_at: row.get("extended_at")?,
        refundable_until: row.get("refundable_until")?,
        claimed: row.get("claimed_quantity")?,
        after: AfterSale {
            tickets: GivenBack {
                refunded: row.get("refunded_quantity")?,
                returned: row.get("returned_quantity")?,
            },
            refunded_amount: row.get("refunded_amount")?,
            dispute: dispute.transpose()?,
            payment_version: row.get("payment_version")?,
        },
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

/// The words of the wire are the words of the database.
const STATUSES: [(&str, OrderStatus); 4] = [
    ("created", OrderStatus::Created),
    ("awaiting:payment", OrderStatus::AwaitingPayment),
    ("complete", OrderStatus::Complete),
    ("cancelled", OrderStatus::Cancelled),
];
const REASONS: [(&str, CancelReason); 4] = [
    ("user", CancelReason::User),
    ("expired", CancelReason::Expired),
    ("payment-failed", CancelReason::PaymentFailed),
    ("ticket-withdrawn", CancelReason::TicketWithdrawn),
];
const DISPUTES: [(&str, DisputeStatus); 3] = [
    ("open", DisputeStatus::Open),
    ("won", DisputeStatus::Won),
    ("lost", DisputeStatus::Lost),
];

fn dispute_text(status: DisputeStatus) -> &'static str {
    text(status, &DISPUTES)
}

fn status_text(status: OrderStatus) -> &'static str {
    text(status, &STATUSES)
}

fn reason_text(reason: CancelReason) -> &'static str {
    text(reason, &REASONS)
}

pub(super) fn text<T: Copy + PartialEq>(value: T, words: &[(&'static str, T)]) -> &'static str {
    words
        .iter()
        .find(|(_, known)| *known == value)
        .map_or("", |(word, _)| word)
}

pub(super) fn parse<T: Copy>(text: &str, words: &[(&str, T)]) -> rusqlite::Result<T> {
    let known = words.iter().find(|(word, _)| *word == text).map(|(_, known)| *known);
    known.ok_or_else(|| rusqlite::Error::InvalidColumnType(0, text.to_owned(), Type::Text))
}
