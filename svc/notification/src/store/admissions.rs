use db::{NamedParameters, RowReader, Tx, read_row};
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{AdmissionId, OrderId, UserId};

use crate::domain::Admission;

db::columns! {
    /// The columns of an admission.
    ADMISSION: "admission" = [id, version, order_id, ticket_id, number, of_number, holder_id, state, sealed_code];
}

/// Stores the state of an admission, unless a later one is stored.
pub(crate) fn upsert_admission(tx: &Tx, admission: &Admission) -> Result<(), db::Error> {
    let sql = format!(
        "{} ON CONFLICT (id) DO UPDATE SET version = excluded.version, order_id = excluded.order_id,
             ticket_id = excluded.ticket_id, number = excluded.number, of_number = excluded.of_number,
             holder_id = excluded.holder_id, state = excluded.state, sealed_code = excluded.sealed_code
         WHERE excluded.version > version",
        ADMISSION.insert
    );
    tx.prepare_cached(&sql)?.execute_named(named_params! {
        ":id": admission.id,
        ":version": admission.version.cast_signed(),
        ":order_id": admission.order_id,
        ":ticket_id": admission.ticket_id,
        ":number": admission.number,
        ":of_number": admission.of,
        ":holder_id": admission.holder_id,
        ":state": admission.state,
        ":sealed_code": admission.sealed_code,
    })?;
    Ok(())
}

/// Returns an admission.
pub(crate) fn admission(conn: &Connection, id: AdmissionId) -> Result<Option<Admission>, db::Error> {
    let sql = format!("SELECT {} FROM admission WHERE id = ?1", ADMISSION.select);
    let mut statement = conn.prepare_cached(&sql)?;
    Ok(statement.query_row([id], read_row(read_admission)).optional()?)
}

/// Returns the admissions of an order, by number.
pub(crate) fn admissions_of_order(conn: &Connection, order: OrderId) -> Result<Vec<Admission>, db::Error> {
    let sql = format!(
        "SELECT {} FROM admission WHERE order_id = ?1 ORDER BY number",
        ADMISSION.select
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let admissions = statement.query_map([order], read_row(read_admission))?;
    Ok(admissions.collect::<Result<_, _>>()?)
}

/// Returns who holds valid tickets of an order.
pub(crate) fn holders_of_order(conn: &Connection, order: OrderId) -> Result<Vec<UserId>, db::Error> {
    let mut statement =
        conn.prepare_cached("SELECT DISTINCT holder_id FROM admission WHERE order_id = ?1 AND state = 'valid'")?;
    let holders = statement.query_map([order], |row| row.get(0))?;
    Ok(holders.collect::<Result<_, _>>()?)
}

fn read_admission(row: &mut RowReader<'_, '_>) -> rusqlite::Result<Admission> {
    Ok(Admission {
        id: row.next()?,
        version: row.next::<i64>()?.unsigned_abs(),
        order_id: row.next()?,
        ticket_id: row.next()?,
        number: row.next()?,
        of: row.next()?,
        holder_id: row.next()?,
        state: row.next()?,
        sealed_code: row.next()?,
    })
}
