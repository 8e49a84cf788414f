use db::read_row;
use rusqlite::{Connection, OptionalExtension};
use values::{AdmissionId, TicketId, Timestamp};

use super::{
    admissions::{ADMISSION, read_admission},
    holders::shown_admissions,
};
use crate::domain::{Admission, Attendance, ShownAdmission};

/// Returns the admission with this code.
pub(crate) fn admission_of_code(conn: &Connection, hash: [u8; 32]) -> Result<Option<Admission>, db::Error> {
    let sql = format!("SELECT {} FROM admission a WHERE a.code_hash = ?", ADMISSION.select);
    let mut select = conn.prepare_cached(&sql)?;
    Ok(select.query_row([hash], read_row(read_admission)).optional()?)
}

/// Returns the listing and the id of the admission whose code this was before a transfer.
pub(crate) fn admission_of_replaced_code(
    conn: &Connection,
    hash: [u8; 32],
) -> Result<Option<(TicketId, AdmissionId)>, db::Error> {
    let sql = "SELECT a.ticket_id, a.id FROM replaced_code r JOIN admission a ON a.row = r.admission WHERE r.hash = ?";
    let mut select = conn.prepare_cached(sql)?;
    Ok(select
        .query_row([hash], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

/// Returns the number of admissions of a listing by state.
pub(crate) fn attendance(conn: &Connection, ticket: TicketId) -> Result<Attendance, db::Error> {
    let mut select =
        conn.prepare_cached("SELECT valid, used, void, duplicates, void_scans FROM attendance WHERE ticket_id = ?")?;
    let attendance = select.query_row(
        [ticket],
        read_row(|row| {
            Ok(Attendance {
                valid: row.next()?,
                used: row.next()?,
                void: row.next()?,
                duplicates: row.next()?,
                void_scans: row.next()?,
            })
        }),
    );
    Ok(attendance.optional()?.unwrap_or_default())
}

/// Returns the admissions of a listing that have changed after they were issued, with the numbers of their last changes: those
/// after the change `after`, in the order of their last changes.
pub(crate) fn changed_admissions(
    conn: &Connection,
    ticket: TicketId,
    after: i64,
    limit: u32,
) -> Result<Vec<(Admission, i64)>, db::Error> {
    let sql = format!(
        "SELECT {}, a.changed FROM admission a WHERE a.ticket_id = ? AND a.changed > ? ORDER BY a.changed LIMIT ?",
        ADMISSION.select
    );
    let mut select = conn.prepare_cached(&sql)?;
    let changed = select.query_map(
        (ticket, after, limit),
        read_row(|row| Ok((read_admission(row)?, row.next()?))),
    )?;
    Ok(changed.collect::<Result<_, _>>()?)
}

/// Returns the number of the last change of any admission; 0 before the first.
pub(crate) fn last_admission_change(conn: &Connection) -> Result<i64, db::Error> {
    let sql = "SELECT coalesce(max(changed), 0) FROM admission WHERE changed IS NOT NULL";
    Ok(conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// Returns the admissions of a listing that were used, the last one first, those before `before`.
pub(crate) fn used_admissions(
    conn: &Connection,
    ticket: TicketId,
    before: Option<(Timestamp, i64)>,
    limit: u32,
) -> Result<Vec<ShownAdmission>, db::Error> {
    let (used_at, row) = before.unwrap_or((Timestamp::from_millis(i64::MAX), i64::MAX));
    shown_admissions(
        conn,
        "WHERE a.ticket_id = ? AND a.used_at IS NOT NULL AND (a.used_at, a.row) < (?, ?)
         ORDER BY a.used_at DESC, a.row DESC LIMIT ?",
        (ticket, used_at, row, limit),
    )
}
