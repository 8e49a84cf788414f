use std::{net::IpAddr, time::Duration};

use audit::{Author, Entry};
use chassis::ClientNetwork;
use db::Tx;
use passes::ScannedCode;
use values::{AdmissionId, ScanId, TicketId, Timestamp};

use super::end_transfers::end_offer_of;
use crate::{
    domain::{Admission, AdmissionUse, Attendant, CannotUse, Listing, ScanOutcome, ScanRefusal},
    events::publish_admission,
    store,
};

/// The time within which a check-in can be undone.
const UNDO_WINDOW: Duration = Duration::from_mins(10);

/// Scans that are stored of one admission.
const MAX_SCANS_PER_ADMISSION: u32 = 20;

/// Somebody at the door of a listing.
#[derive(Clone, Debug)]
pub(crate) struct AtDoor {
    pub(crate) ticket_id: TicketId,
    pub(crate) attendant: Attendant,
    /// The network address of the attendant.
    pub(crate) client: IpAddr,
}

/// Why nobody is admitted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckInError {
    #[error("there is no ticket {0}")]
    NotFound(TicketId),
    #[error("only its seller and its doors admit people")]
    NotAllowed,
    #[error("the listing is withdrawn")]
    Withdrawn,
    #[error("there is no such code")]
    UnknownCode,
    #[error("the code belongs to another listing")]
    OtherListing,
    #[error("the ticket was given to somebody else, who has another code")]
    Replaced,
    #[error(transparent)]
    CannotUse(#[from] CannotUse),
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl CheckInError {
    /// Returns why a code admits nobody; `None` if the error is about something else.
    pub(crate) fn refusal(&self) -> Option<ScanRefusal> {
        match self {
            Self::Withdrawn => Some(ScanRefusal::Withdrawn),
            Self::UnknownCode => Some(ScanRefusal::UnknownCode),
            Self::OtherListing => Some(ScanRefusal::OtherListing),
            Self::Replaced => Some(ScanRefusal::Replaced),
            Self::CannotUse(reason) => Some(reason.into()),
            Self::NotFound(_) | Self::NotAllowed | Self::Database(_) => None,
        }
    }
}

/// Why a check-in is not undone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UndoError {
    #[error(transparent)]
    AtDoor(#[from] CheckInError),
    #[error("there is no admission {0} of this listing")]
    NoAdmission(AdmissionId),
    #[error("nobody was admitted with it")]
    NotUsed,
    #[error("it is too late")]
    TooLate,
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl AtDoor {
    /// Returns the listing if the attendant may admit people to it.
    pub(crate) fn listing(&self, conn: &rusqlite::Connection) -> Result<Listing, CheckInError> {
        let listing = store::listing(conn, self.ticket_id)?.ok_or(CheckInError::NotFound(self.ticket_id))?;
        if self.attendant.may_admit_to(&listing) {
            Ok(listing)
        } else {
            Err(CheckInError::NotAllowed)
        }
    }

    pub(super) fn entry(&self, action: &'static str, admission: AdmissionId) -> Entry {
        let author = Author {
            actor: self.attendant.identity(),
            network: Some(ClientNetwork::narrowest(self.client).to_string()),
        };
        author.did(action, &admission)
    }
}

/// Admits the holder of a code, once: of two doors that scan it at the same moment, one commits first. The id of the scan, if it has
/// one, is stored: a door that lost the response uploads the scan later, and it is the same.
pub(crate) fn check_in(
    tx: &Tx,
    now: Timestamp,
    at_door: &AtDoor,
    code: &ScannedCode,
    scan: Option<ScanId>,
) -> Result<Admission, CheckInError> {
    let listing = at_door.listing(tx)?;
    let mut admission = find(tx, at_door.ticket_id, code)?;
    if listing.is_withdrawn() {
        return Err(CheckInError::Withdrawn);
    }
    use_admission(tx, now, at_door, &mut admission, now)?;
    if let Some(scan) = scan {
        let outcome = ScanOutcome::admitted(admission.id());
        store_scan(tx, now, at_door, scan, code, now, &outcome)?;
    }
    audit::append_limited(tx, now, &at_door.entry("check-in", admission.id()))?;
    Ok(admission)
}

/// Uses an admission that can be used. Nobody can accept it any more.
pub(super) fn use_admission(
    tx: &Tx,
    now: Timestamp,
    at_door: &AtDoor,
    admission: &mut Admission,
    used_at: Timestamp,
) -> Result<(), CheckInError> {
    admission.admit(at_door.attendant.door_name(), used_at, now)?;
    end_offer_of(tx, now, admission.id())?;
    store::update_admission(tx, admission)?;
    publish_admission(tx, now, admission)?;
    Ok(())
}

/// Stores a scan of an admission, so that it is recognised when it is uploaded again. Of one admission a bounded number is stored:
/// the newest uses, and the first scans that should not have admitted. Returns whether this one is.
pub(super) fn store_scan(
    tx: &Tx,
    now: Timestamp,
    at_door: &AtDoor,
    scan: ScanId,
    code: &ScannedCode,
    scanned_at: Timestamp,
    outcome: &ScanOutcome,
) -> Result<bool, db::Error> {
    let Some(admission) = outcome.admission_id else {
        return Ok(false);
    };
    if store::scan_count(tx, admission)? >= MAX_SCANS_PER_ADMISSION {
        if outcome.refusal.is_some() {
            return Ok(false);
        }
        store::delete_oldest_use(tx, admission)?;
    }
    let scanned = AdmissionUse {
        at: scanned_at,
        door: at_door.attendant.door_name(),
    };
    let code_hash = code.secret().hash();
    store::insert_scan(tx, now, at_door.ticket_id, scan, code_hash, &scanned, outcome)?;
    Ok(true)
}

/// Returns when the code with this hash admitted somebody; `None` if it did not, or if that was undone.
pub(crate) fn used_at(tx: &Tx, code_hash: [u8; 32]) -> Result<Option<Timestamp>, db::Error> {
    let admission = store::admission_of_code(tx, code_hash)?;
    Ok(admission.and_then(|admission| Some(admission.state().used.as_ref()?.at)))
}

/// Returns the admission of a code.
pub(super) fn find(tx: &Tx, ticket: TicketId, code: &ScannedCode) -> Result<Admission, CheckInError> {
    let hash = code.secret().hash();
    let Some(admission) = store::admission_of_code(tx, hash)? else {
        let replaced = store::admission_of_replaced_code(tx, hash)?;
        return Err(match replaced {
            Some((of, _)) if of == ticket => CheckInError::Replaced,
            Some(_) => CheckInError::OtherListing,
            None => CheckInError::UnknownCode,
        });
    };
    let state = admission.state();
    if let ScannedCode::Signed(signed) = code
        && (signed.admission_id, signed.ticket_id) != (state.id, state.ticket_id)
    {
        return Err(CheckInError::UnknownCode);
    }
    if state.ticket_id == ticket {
        Ok(admission)
    } else {
        Err(CheckInError::OtherListing)
    }
}

/// Undoes a check-in of the last ten minutes: the code admits again.
pub(crate) fn undo_check_in(
    tx: &Tx,
    now: Timestamp,
    at_door: &AtDoor,
    id: AdmissionId,
) -> Result<Admission, UndoError> {
    at_door.listing(tx)?;
    let of_listing = store::admission(tx, id)?.filter(|admission| admission.state().ticket_id == at_door.ticket_id);
    let mut admission = of_listing.ok_or(UndoError::NoAdmission(id))?;
    let used_at = admission.state().used.as_ref().map(|used| used.at);
    if used_at.is_some_and(|at| at + UNDO_WINDOW < now) {
        return Err(UndoError::TooLate);
    }
    if !admission.undo_use(now) {
        return Err(UndoError::NotUsed);
    }
    store::update_admission(tx, &admission)?;
    audit::append_limited(tx, now, &at_door.entry("check-in-undo", admission.id()))?;
    publish_admission(tx, now, &admission)?;
    Ok(admission)
}
