use db::{NamedParameters, RowReader, Tx, read_row};
use events::VoidReason;
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{AdmissionId, OrderId, Timestamp};

use crate::domain::{Admission, AdmissionState, AdmissionUse, Sale, StoredCode};

db::columns! {
    /// The columns of an admission.
    pub(super) ADMISSION: "admission" as "a" = [
        id, order_id, ticket_id, seller_id, number, of, holder_id, used_at, door, void_reason, code_hash, sealed_code, version,
        change, issued_at, updated_at,
    ];
}

/// Reads [`ADMISSION`].
pub(super) fn read_admission(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Admission> {
    let (id, order_id, ticket_id, seller_id) = (row.next()?, row.next()?, row.next()?, row.next()?);
    let (number, of, holder_id) = (row.next()?, row.next()?, row.next()?);
    let (used_at, door): (Option<Timestamp>, _) = (row.next()?, row.next()?);
    Ok(Admission::from_state(AdmissionState {
        id,
        order_id,
        ticket_id,
        seller_id,
        number,
        of,
        holder_id,
        used: used_at.map(|at| AdmissionUse { at, door }),
        void: row.next()?,
        code: StoredCode {
            hash: row.next()?,
            sealed: row.next()?,
        },
        version: row.next()?,
        change: row.next()?,
        issued_at: row.next()?,
        updated_at: row.next()?,
    }))
}

/// Returns the sale of an order whose admissions do not follow it yet.
pub(crate) fn sale_to_follow(conn: &Connection, order: OrderId) -> Result<Option<Sale>, db::Error> {
    let sql = "SELECT order_id, version, ticket_id, buyer_id, seller_id, quantity, refunded, is_lost FROM hold
               WHERE order_id = ? AND status = 'complete' AND detailed_version IS version AND followed_version IS NOT version";
    let sale = conn.prepare_cached(sql)?.query_row(
        [order],
        read_row(|row| {
            Ok(Sale {
                order_id: row.next()?,
                version: row.next()?,
                ticket_id: row.next()?,
                buyer_id: row.next()?,
                seller_id: row.next()?,
                quantity: row.next()?,
                refunded: row.next()?,
                is_lost: row.next()?,
            })
        }),
    );
    Ok(sale.optional()?)
}

const ORDERS_TO_FOLLOW: &str = "SELECT order_id FROM hold
     WHERE status = 'complete' AND detailed_version IS version AND followed_version IS NOT version LIMIT ?";

/// Returns orders whose admissions do not follow them yet.
pub(crate) fn orders_to_follow(conn: &Connection, limit: u32) -> Result<Vec<OrderId>, db::Error> {
    let mut select = conn.prepare_cached(ORDERS_TO_FOLLOW)?;
    let orders = select.query_map([limit], |row| row.get(0))?;
    Ok(orders.collect::<Result<_, _>>()?)
}

/// Whether there is a complete order whose buyer is not stored, because an earlier release has stored it.
const HAS_INCOMPLETE_ORDERS: &str =
    "SELECT EXISTS (SELECT 1 FROM hold WHERE status = 'complete' AND detailed_version IS NOT version)";

/// Returns whether an earlier release has stored a complete order.
pub(crate) fn has_orders_without_details(conn: &Connection) -> Result<bool, db::Error> {
    Ok(conn
        .prepare_cached(HAS_INCOMPLETE_ORDERS)?
        .query_row([], |row| row.get(0))?)
}

/// Records that the admissions follow the sale.
pub(crate) fn mark_followed(tx: &Tx, sale: &Sale) -> Result<(), db::Error> {
    tx.prepare_cached("UPDATE hold SET followed_version = version WHERE order_id = ? AND version = ?")?
        .execute((sale.order_id, sale.version.cast_signed()))?;
    Ok(())
}

/// Returns the number of admissions that were issued for an order: they have the numbers from 1.
pub(crate) fn issued_count(conn: &Connection, order: OrderId) -> Result<u32, db::Error> {
    Ok(conn
        .prepare_cached("SELECT coalesce(max(number), 0) FROM admission WHERE order_id = ?")?
        .query_row([order], |row| row.get(0))?)
}

/// Returns the number of admissions of an order that are void for this reason.
pub(crate) fn void_count(conn: &Connection, order: OrderId, reason: VoidReason) -> Result<u32, db::Error> {
    Ok(conn
        .prepare_cached("SELECT count(*) FROM admission WHERE order_id = ? AND void_reason = ?")?
        .query_row((order, reason), |row| row.get(0))?)
}

fn select(conn: &Connection, end: &str, parameters: impl rusqlite::Params) -> Result<Vec<Admission>, db::Error> {
    let sql = format!("SELECT {} FROM admission a {end}", ADMISSION.select);
    let mut select = conn.prepare_cached(&sql)?;
    let admissions = select.query_map(parameters, read_row(read_admission))?;
    Ok(admissions.collect::<Result<_, _>>()?)
}

/// Returns the admissions that a refund makes void next: those that are not used, not transferred and not offered to somebody, the
/// last of the order first.
pub(crate) fn next_to_refund(conn: &Connection, sale: &Sale, limit: u32) -> Result<Vec<Admission>, db::Error> {
    select(
        conn,
        "WHERE a.order_id = ?1 AND a.void_reason IS NOT 'refund'
         ORDER BY a.used_at IS NOT NULL, a.holder_id <> ?2,
             EXISTS (SELECT 1 FROM transfer t WHERE t.admission_id = a.id AND t.status = 'offered'), a.number DESC
         LIMIT ?3",
        (sale.order_id, sale.buyer_id, limit),
    )
}

/// Returns the admissions that an undone refund restores next: those that were made void last.
pub(crate) fn next_to_restore(conn: &Connection, sale: &Sale, limit: u32) -> Result<Vec<Admission>, db::Error> {
    select(
        conn,
        "WHERE a.order_id = ?1 AND a.void_reason = 'refund' ORDER BY a.changed DESC LIMIT ?2",
        (sale.order_id, limit),
    )
}

/// Returns admissions that are not void, if `is_lost`, or else those that a lost dispute has made void.
pub(crate) fn next_of_dispute(conn: &Connection, sale: &Sale, limit: u32) -> Result<Vec<Admission>, db::Error> {
    let end = if sale.is_lost {
        "WHERE a.order_id = ?1 AND a.void_reason IS NULL ORDER BY a.number LIMIT ?2"
    } else {
        "WHERE a.order_id = ?1 AND a.void_reason = 'dispute' ORDER BY a.number LIMIT ?2"
    };
    select(conn, end, (sale.order_id, limit))
}

/// Returns an admission.
pub(crate) fn admission(conn: &Connection, id: AdmissionId) -> Result<Option<Admission>, db::Error> {
    Ok(select(conn, "WHERE a.id = ?", [id])?.pop())
}

/// Returns the admission with this ticket of an order.
pub(crate) fn admission_of_order(
    conn: &Connection,
    order: OrderId,
    number: u32,
) -> Result<Option<Admission>, db::Error> {
    Ok(select(conn, "WHERE a.order_id = ? AND a.number = ?", (order, number))?.pop())
}

/// Returns the admissions after the id `after`, ordered by id.
pub(crate) fn admissions_after(conn: &Connection, after: &str, limit: u32) -> Result<Vec<Admission>, db::Error> {
    select(conn, "WHERE a.id > ? ORDER BY a.id LIMIT ?", (after, limit))
}

/// Inserts an admission that was issued or recovered.
pub(crate) fn insert_admission(tx: &Tx, admission: &Admission) -> Result<(), db::Error> {
    let state = admission.state();
    let sql = format!(
        "INSERT INTO admission ({}, changed) VALUES ({}, iif(:version > 1, {NEXT_CHANGE}, NULL))",
        ADMISSION.names, ADMISSION.placeholders
    );
    tx.prepare_cached(&sql)?.execute_named(named_params! {
        ":id": state.id,
        ":order_id": state.order_id,
        ":ticket_id": state.ticket_id,
        ":seller_id": state.seller_id,
        ":number": state.number,
        ":of": state.of,
        ":holder_id": state.holder_id,
        ":used_at": state.used.as_ref().map(|used| used.at),
        ":door": state.used.as_ref().and_then(|used| used.door.as_deref()),
        ":void_reason": state.void,
        ":code_hash": state.code.hash,
        ":sealed_code": state.code.sealed,
        ":version": state.version.cast_signed(),
        ":change": state.change,
        ":issued_at": state.issued_at,
        ":updated_at": state.updated_at,
    })?;
    Ok(())
}

const NEXT_CHANGE: &str = "(SELECT coalesce(max(changed), 0) + 1 FROM admission WHERE changed IS NOT NULL)";

/// Updates a changed admission. A code that it no longer has is stored as replaced.
pub(crate) fn update_admission(tx: &Tx, admission: &Admission) -> Result<(), db::Error> {
    let state = admission.state();
    tx.prepare_cached(
        "INSERT OR IGNORE INTO replaced_code (hash, admission)
         SELECT code_hash, row FROM admission WHERE id = ? AND code_hash <> ?",
    )?
    .execute((state.id, state.code.hash))?;
    let sql = format!(
        "UPDATE admission SET holder_id = :holder_id, used_at = :used_at, door = :door, void_reason = :void_reason,
             code_hash = :code_hash, sealed_code = :sealed_code, version = :version, change = :change,
             updated_at = :updated_at, changed = {NEXT_CHANGE}
         WHERE id = :id"
    );
    tx.prepare_cached(&sql)?.execute_named(named_params! {
        ":id": state.id,
        ":holder_id": state.holder_id,
        ":used_at": state.used.as_ref().map(|used| used.at),
        ":door": state.used.as_ref().and_then(|used| used.door.as_deref()),
        ":void_reason": state.void,
        ":code_hash": state.code.hash,
        ":sealed_code": state.code.sealed,
        ":version": state.version.cast_signed(),
        ":change": state.change,
        ":updated_at": state.updated_at,
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::database;

    #[test]
    fn orders_to_follow_are_found_by_an_index() {
        let conn = database();
        for (sql, index) in [
            (ORDERS_TO_FOLLOW, "hold_not_followed"),
            (HAS_INCOMPLETE_ORDERS, "hold_without_details"),
        ] {
            let plan = db::query_plan(&conn, sql).unwrap().join("\n");
            assert!(plan.contains(index), "{plan}");
        }
    }
}
