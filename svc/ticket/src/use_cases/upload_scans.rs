use std::collections::HashMap;

use audit::Entry;
use db::Tx;
use values::Timestamp;

use super::check_in::{AtDoor, CheckInError, find, store_scan, use_admission};
use crate::{
    domain::{InvalidScan, Listing, OfflineScan, ScanOutcome, ScanRefusal},
    store,
};

/// Why scans are not uploaded: none of them is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    #[error(transparent)]
    AtDoor(#[from] CheckInError),
    /// The places of invalid scans in the upload.
    #[error("some scans are invalid")]
    Invalid(Vec<(usize, InvalidScan)>),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// An uploaded scan.
#[derive(Clone, Debug)]
pub(crate) struct UploadedScan {
    pub(crate) outcome: ScanOutcome,
    /// Whether it was not stored before.
    pub(crate) is_new: bool,
}

/// Records scans that a door made without the network, in their order, and returns the outcome of each. People were let in: the
/// first scan of a ticket that is stored is its use, and every other one is reported.
///
/// A scan that was uploaded before has the outcome that it had, so an upload can be repeated.
pub(crate) fn upload_scans(
    tx: &Tx,
    now: Timestamp,
    at_door: &AtDoor,
    scans: &[OfflineScan],
) -> Result<Vec<UploadedScan>, UploadError> {
    let listing = at_door.listing(tx)?;
    check(tx, now, at_door, scans)?;
    scans
        .iter()
        .map(|scan| record(tx, now, at_door, &listing, scan))
        .collect()
}

fn check(tx: &Tx, now: Timestamp, at_door: &AtDoor, scans: &[OfflineScan]) -> Result<(), UploadError> {
    let (mut invalid, mut codes) = (Vec::new(), HashMap::new());
    for (index, scan) in scans.iter().enumerate() {
        let hash = scan.code.secret().hash();
        let known = store::scan(tx, at_door.ticket_id, scan.id)?;
        let is_known = known.is_some();
        let first_hash = *codes
            .entry(scan.id)
            .or_insert(known.map_or(hash, |known| known.code_hash));
        if first_hash != hash {
            invalid.push((index, InvalidScan::IdReused));
        } else if !is_known && let Err(error) = scan.check_time(now) {
            invalid.push((index, error));
        }
    }
    if invalid.is_empty() {
        Ok(())
    } else {
        Err(UploadError::Invalid(invalid))
    }
}

fn record(
    tx: &Tx,
    now: Timestamp,
    at_door: &AtDoor,
    listing: &Listing,
    scan: &OfflineScan,
) -> Result<UploadedScan, UploadError> {
    if let Some(known) = store::scan(tx, at_door.ticket_id, scan.id)? {
        let (outcome, is_new) = (known.outcome, false);
        return Ok(UploadedScan { outcome, is_new });
    }
    // A clock that is ahead.
    let scanned_at = scan.scanned_at.min(now);
    let outcome = admit(tx, now, at_door, listing, scan, scanned_at)?;
    let is_stored = store_scan(tx, now, at_door, scan.id, &scan.code, scanned_at, &outcome)?;
    match (outcome.admission_id, outcome.refusal) {
        (Some(id), None) => audit::append_limited(tx, now, &at_door.entry("check-in", id))?,
        // Somebody was let in who should not have been: each is in the log, as many as are stored.
        (Some(id), Some(refusal)) if is_stored => {
            let entry = Entry {
                result: refusal.as_str(),
                ..at_door.entry("check-in-conflict", id)
            };
            audit::append(tx, now, &entry)?;
        }
        _ => {}
    }
    Ok(UploadedScan { outcome, is_new: true })
}

fn admit(
    tx: &Tx,
    now: Timestamp,
    at_door: &AtDoor,
    listing: &Listing,
    scan: &OfflineScan,
    scanned_at: Timestamp,
) -> Result<ScanOutcome, UploadError> {
    let mut admission = match find(tx, at_door.ticket_id, &scan.code) {
        Ok(admission) => admission,
        Err(CheckInError::Replaced) => {
            let replaced = store::admission_of_replaced_code(tx, scan.code.secret().hash())?;
            let id = replaced.map(|(_, id)| id);
            return Ok(ScanOutcome::refused(id, ScanRefusal::Replaced));
        }
        Err(error) => {
            let refusal = error.refusal().ok_or(error)?;
            return Ok(ScanOutcome::refused(None, refusal));
        }
    };
    let id = admission.id();
    if listing.is_withdrawn() {
        return Ok(ScanOutcome::refused(Some(id), ScanRefusal::Withdrawn));
    }
    match use_admission(tx, now, at_door, &mut admission, scanned_at) {
        Ok(()) => Ok(ScanOutcome::admitted(id)),
        Err(CheckInError::CannotUse(reason)) => Ok(ScanOutcome::cannot_use(id, reason)),
        Err(error) => Err(error.into()),
    }
}
