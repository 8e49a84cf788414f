//! Scans of doors.

use db::{NamedParameters, Tx, read_row};
use rusqlite::{Connection, OptionalExtension, named_params};
use values::{AdmissionId, ScanId, TicketId, Timestamp};

use super::admissions::{ADMISSION, read_admission};
use crate::domain::{AdmissionUse, RefusedScan, ScanOutcome};

/// A scan that was uploaded, or sent as a check-in.
#[derive(Clone, Debug)]
pub(crate) struct StoredScan {
    pub(crate) code_hash: [u8; 32],
    pub(crate) outcome: ScanOutcome,
}

/// Returns a scan of a listing.
pub(crate) fn scan(conn: &Connection, ticket: TicketId, id: ScanId) -> Result<Option<StoredScan>, db::Error> {
    let sql = "SELECT s.code_hash, a.id, s.refusal, s.first_at, s.first_door FROM scan s JOIN admission a ON a.row = s.admission
               WHERE s.ticket_id = ? AND s.id = ?";
    let mut select = conn.prepare_cached(sql)?;
    let stored = select.query_row(
        (ticket, id),
        read_row(|row| {
            Ok(StoredScan {
                code_hash: row.next()?,
                outcome: ScanOutcome {
                    admission_id: row.next()?,
                    refusal: row.next()?,
                    first: read_use(row.next()?, row.next()?),
                },
            })
        }),
    );
    Ok(stored.optional()?)
}

fn read_use(at: Option<Timestamp>, door: Option<String>) -> Option<AdmissionUse> {
    at.map(|at| AdmissionUse { at, door })
}

/// Returns the number of scans that are stored of an admission.
pub(crate) fn scan_count(conn: &Connection, admission: AdmissionId) -> Result<u32, db::Error> {
    let sql = "SELECT count(*) FROM scan WHERE admission = (SELECT row FROM admission WHERE id = ?)";
    Ok(conn.prepare_cached(sql)?.query_row([admission], |row| row.get(0))?)
}

/// Deletes the oldest scan of an admission that is a use of it, if there is one.
pub(crate) fn delete_oldest_use(tx: &Tx, admission: AdmissionId) -> Result<(), db::Error> {
    tx.prepare_cached(
        "DELETE FROM scan WHERE row = (SELECT min(row) FROM scan
             WHERE admission = (SELECT row FROM admission WHERE id = ?) AND refusal IS NULL)",
    )?
    .execute([admission])?;
    Ok(())
}

/// Inserts a scan of an admission, unless the listing has one with this id.
pub(crate) fn insert_scan(
    tx: &Tx,
    now: Timestamp,
    ticket: TicketId,
    id: ScanId,
    code_hash: [u8; 32],
    scanned: &AdmissionUse,
    outcome: &ScanOutcome,
) -> Result<(), db::Error> {
    tx.prepare_cached(
        "INSERT INTO scan (ticket_id, id, admission, code_hash, scanned_at, door, refusal, first_at, first_door, uploaded_at)
         SELECT :ticket_id, :id, a.row, :code_hash, :scanned_at, :door, :refusal, :first_at, :first_door, :now
         FROM admission a WHERE a.id = :admission_id
         ON CONFLICT (ticket_id, id) DO NOTHING",
    )?
    .execute_named(named_params! {
        ":ticket_id": ticket,
        ":id": id,
        ":admission_id": outcome.admission_id,
        ":code_hash": code_hash,
        ":scanned_at": scanned.at,
        ":door": scanned.door,
        ":refusal": outcome.refusal,
        ":first_at": outcome.first.as_ref().map(|first| first.at),
        ":first_door": outcome.first.as_ref().and_then(|first| first.door.as_deref()),
        ":now": now,
    })?;
    Ok(())
}

/// Returns the scans of a listing that should not have admitted, the last one first.
pub(crate) fn refused_scans(conn: &Connection, ticket: TicketId, limit: u32) -> Result<Vec<RefusedScan>, db::Error> {
    let sql = format!(
        "SELECT {}, coalesce(c.name, c.email), s.scanned_at, s.door, s.refusal, s.first_at, s.first_door
         FROM scan s JOIN admission a ON a.row = s.admission LEFT JOIN account c ON c.id = a.holder_id
         WHERE s.ticket_id = ? AND s.refusal IS NOT NULL ORDER BY s.row DESC LIMIT ?",
        ADMISSION.select
    );
    let mut select = conn.prepare_cached(&sql)?;
    let scans = select.query_map(
        (ticket, limit),
        read_row(|row| {
            Ok(RefusedScan {
                admission: read_admission(row)?,
                holder: row.next()?,
                scanned: AdmissionUse {
                    at: row.next()?,
                    door: row.next()?,
                },
                refusal: row.next()?,
                first: read_use(row.next()?, row.next()?),
            })
        }),
    )?;
    Ok(scans.collect::<Result<_, _>>()?)
}
