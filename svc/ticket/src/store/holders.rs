//! Admissions as their holders and buyers see them.

use db::{RowReader, read_row};
use rusqlite::{Connection, OptionalExtension};
use values::{AdmissionId, OrderId, UserId};

use super::admissions::{ADMISSION, read_admission};
use crate::domain::{Admission, OpenOffer, ShownAdmission};

/// The name and the address of the holder, the buyer and the open offer, from `admission a`, `account c`, `hold h`, `transfer t` and `listing l`.
const SHOWN: &str = "c.name, c.email, coalesce(h.buyer_id, a.holder_id), a.row,
     t.address, t.offered_at, min(t.expires_at, coalesce(l.starts_at, t.expires_at))";

/// A listing that is withdrawn has no open offers.
const JOINS: &str = "LEFT JOIN account c ON c.id = a.holder_id LEFT JOIN hold h ON h.order_id = a.order_id
     LEFT JOIN listing l ON l.id = a.ticket_id AND l.withdrawn_at IS NULL
     LEFT JOIN transfer t ON t.admission_id = a.id AND t.status = 'offered' AND t.from_id = a.holder_id AND l.id IS NOT NULL";

fn read_shown(row: &mut RowReader<'_, '_>) -> rusqlite::Result<ShownAdmission> {
    let admission: Admission = read_admission(row)?;
    Ok(ShownAdmission {
        admission,
        holder_name: row.next()?,
        holder_email: row.next()?,
        buyer_id: row.next()?,
        row: row.next()?,
        offer: read_offer(row)?,
    })
}

fn read_offer(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Option<OpenOffer>> {
    let (address, offered_at, expires_at) = (
        row.next::<Option<_>>()?,
        row.next::<Option<_>>()?,
        row.next::<Option<_>>()?,
    );
    let times = offered_at.zip(expires_at);
    Ok(address.zip(times).map(|(address, (offered_at, expires_at))| OpenOffer {
        address,
        offered_at,
        expires_at,
    }))
}

fn sql(end: &str) -> String {
    format!("SELECT {}, {SHOWN} FROM admission a {JOINS} {end}", ADMISSION.select)
}

/// Returns the admissions that a user holds, in the order in which they were issued, those after `after`.
pub(crate) fn admissions_of_holder(
    conn: &Connection,
    holder: UserId,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<ShownAdmission>, db::Error> {
    shown_admissions(
        conn,
        "WHERE a.holder_id = ? AND a.row > ? ORDER BY a.row LIMIT ?",
        (holder, after.unwrap_or_default(), limit),
    )
}

/// Returns the admissions of an order that a user has bought or holds, by number, those after the number `after`.
pub(crate) fn admissions_of_user_in_order(
    conn: &Connection,
    user: UserId,
    order: OrderId,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<ShownAdmission>, db::Error> {
    shown_admissions(
        conn,
        "WHERE a.order_id = ?1 AND (a.holder_id = ?2 OR h.buyer_id = ?2) AND a.number > ?3 ORDER BY a.number LIMIT ?4",
        (order, user, after.unwrap_or_default(), limit),
    )
}

/// Returns admissions with the names of their holders, by the rest of a statement.
pub(super) fn shown_admissions(
    conn: &Connection,
    end: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<ShownAdmission>, db::Error> {
    let mut select = conn.prepare_cached(&sql(end))?;
    let shown = select.query_map(parameters, read_row(read_shown))?;
    Ok(shown.collect::<Result<_, _>>()?)
}

/// Returns an admission with the names of its holder and buyer.
pub(crate) fn shown_admission(conn: &Connection, id: AdmissionId) -> Result<Option<ShownAdmission>, db::Error> {
    let sql = sql("WHERE a.id = ?");
    Ok(conn
        .prepare_cached(&sql)?
        .query_row([id], read_row(read_shown))
        .optional()?)
}
