use db::Error;
use events::{AskedBy, RefundStatus};
use rusqlite::{Connection, OptionalExtension, Row, params};
use values::{Money, OrderId, RefundId, Timestamp, UserId};

use super::orders::{parse, text};
use crate::domain::{GivenBack, Reason, Refund};

/// Refunds, with what their orders say of them.
const SELECT: &str = r#"SELECT r.id, r.version, r.status, r.order_id, r.seller_id, r.quantity, r.amount, r.asked_by, r.reason,
        r.failure, r.returned, r.payment_version, r.created_at, r.updated_at,
        o.payment_id, o.buyer_id, o.ticket_id, o.title, o.currency
    FROM refund r JOIN "order" o ON o.id = r.order_id"#;

/// A refund.
pub(crate) fn refund(conn: &Connection, id: RefundId) -> Result<Option<Refund>, Error> {
    let mut found = conn.prepare_cached(&format!("{SELECT} WHERE r.id = ?"))?;
    Ok(found.query_row([id], read).optional()?)
}

/// The refunds of an order, the oldest first.
pub(crate) fn refunds_of(conn: &Connection, order: OrderId) -> Result<Vec<Refund>, Error> {
    let mut found = conn.prepare_cached(&format!("{SELECT} WHERE r.order_id = ? ORDER BY r.id"))?;
    Ok(found.query_map([order], read)?.collect::<Result<_, _>>()?)
}

/// A seller's refunds, the newest first: those before `before`, at most `rows`.
pub(crate) fn refunds_of_seller(
    conn: &Connection,
    seller: UserId,
    status: Option<RefundStatus>,
    before: Option<RefundId>,
    rows: u32,
) -> Result<Vec<Refund>, Error> {
    let filter = if status.is_some() {
        "AND r.status = ?2"
    } else {
        "AND ?2 IS NULL"
    };
    let before = before.map_or_else(|| "~".to_owned(), |id| id.to_string());
    let mut found = conn.prepare_cached(&format!(
        "{SELECT} WHERE r.seller_id = ?1 {filter} AND r.id < ?3 ORDER BY r.id DESC LIMIT ?4"
    ))?;
    let found = found.query_map((seller, status.map(refund_word), before, rows), read)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// All refunds, in the order of their ids: those after `after`, at most `rows`.
pub(crate) fn refunds_page(conn: &Connection, after: &str, rows: u32) -> Result<Vec<Refund>, Error> {
    let mut found = conn.prepare_cached(&format!("{SELECT} WHERE r.id > ? ORDER BY r.id LIMIT ?"))?;
    Ok(found.query_map((after, rows), read)?.collect::<Result<_, _>>()?)
}

/// Keeps a new refund. What its order's refunds claim is counted by a trigger, and never more than the order has.
pub(crate) fn insert_refund(conn: &Connection, refund: &Refund) -> Result<(), Error> {
    conn.prepare_cached(
        "INSERT INTO refund (id, version, status, order_id, seller_id, quantity, amount, asked_by, reason, failure,
                             returned, payment_version, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        refund.id,
        refund.version,
        refund_word(refund.status),
        refund.order_id,
        refund.seller_id,
        refund.quantity,
        refund.amount.amount,
        text(refund.asked_by, &ASKERS),
        refund.reason.as_ref().map(Reason::as_str),
        refund.failure,
        refund.returned,
        refund.payment_version,
        refund.created_at,
        refund.updated_at,
    ])?;
    Ok(())
}

/// Keeps a refund's new state.
pub(crate) fn update_refund(conn: &Connection, refund: &Refund) -> Result<(), Error> {
    conn.prepare_cached(
        "UPDATE refund SET version = ?, status = ?, failure = ?, returned = ?, payment_version = ?, updated_at = ?
         WHERE id = ?",
    )?
    .execute(params![
        refund.version,
        refund_word(refund.status),
        refund.failure,
        refund.returned,
        refund.payment_version,
        refund.updated_at,
        refund.id,
    ])?;
    Ok(())
}

/// What the paid refunds of an order add up to.
pub(crate) fn given_back(conn: &Connection, order: OrderId) -> Result<GivenBack, Error> {
    let mut sums = conn.prepare_cached(
        "SELECT coalesce(sum(quantity), 0), coalesce(sum(quantity) FILTER (WHERE returned), 0)
         FROM refund WHERE order_id = ? AND status = 'paid'",
    )?;
    Ok(sums.query_row([order], |row| {
        Ok(GivenBack {
            refunded: row.get(0)?,
            returned: row.get(1)?,
        })
    })?)
}

/// The refunds that wait in one state.
pub(crate) struct Waiting {
    pub(crate) status: &'static str,
    pub(crate) refunds: i64,
    /// Since when the first of them does.
    pub(crate) since: Option<Timestamp>,
}

/// How many refunds wait in each of the states in which refunds wait.
pub(crate) fn open_refunds(conn: &Connection) -> Result<Vec<Waiting>, Error> {
    [RefundStatus::Requested, RefundStatus::Approved]
        .into_iter()
        .map(|status| {
            let mut open = conn.prepare_cached(
                "SELECT count(*), min(updated_at) FROM refund
                 WHERE status IN ('requested', 'approved') AND status = ?",
            )?;
            let status = refund_word(status);
            Ok(open.query_row([status], |row| {
                Ok(Waiting {
                    status,
                    refunds: row.get(0)?,
                    since: row.get(1)?,
                })
            })?)
        })
        .collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Refund> {
    Ok(Refund {
        id: row.get("id")?,
        version: row.get("version")?,
        status: parse(&row.get::<_, String>("status")?, &STATUSES)?,
        order_id: row.get("order_id")?,
        payment_id: row.get("payment_id")?,
        buyer_id: row.get("buyer_id")?,
        seller_id: row.get("seller_id")?,
        ticket_id: row.get("ticket_id")?,
        title: row.get("title")?,
        quantity: row.get("quantity")?,
        amount: Money {
            amount: row.get("amount")?,
            currency: row.get("currency")?,
        },
        asked_by: parse(&row.get::<_, String>("asked_by")?, &ASKERS)?,
        reason: row.get::<_, Option<String>>("reason")?.map(Reason::known),
        failure: row.get("failure")?,
        returned: row.get("returned")?,
        payment_version: row.get("payment_version")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

const STATUSES: [(&str, RefundStatus); 5] = [
    ("requested", RefundStatus::Requested),
    ("approved", RefundStatus::Approved),
    ("declined", RefundStatus::Declined),
    ("paid", RefundStatus::Paid),
    ("failed", RefundStatus::Failed),
];
const ASKERS: [(&str, AskedBy); 3] = [
    ("buyer", AskedBy::Buyer),
    ("seller", AskedBy::Seller),
    ("withdrawal", AskedBy::Withdrawal),
];

/// The word for a status, on the wire and in the database.
pub(crate) fn refund_word(status: RefundStatus) -> &'static str {
    text(status, &STATUSES)
}
