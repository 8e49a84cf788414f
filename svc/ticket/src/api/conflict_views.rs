//! Scans that should not have admitted, in JSON.

use poem_openapi::{Enum, Object, types::Example};
use serde::Serialize;
use values::{AdmissionId, Timestamp};

use crate::domain::{RefusedScan, ScanRefusal};

/// The maximum number of scans in a list of check-ins.
pub(super) const MAX_CONFLICTS: u32 = 100;

/// A scan without the network of a ticket that was used before or void. Its holder was let in.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "CheckInConflict", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConflictView {
    admission_id: AdmissionId,
    /// Which ticket of its order it is: 1, 2, 3 …
    number: u32,
    /// The number of tickets of the order.
    of: u32,
    /// The name of the holder, or else the email address; `null` if it is not known.
    #[oai(nullable)]
    holder: Option<String>,
    reason: ScanRefusalView,
    scanned_at: Timestamp,
    /// The name of the door that scanned; `null` if it was the seller.
    #[oai(nullable)]
    door: Option<String>,
    /// When the ticket was used before; only of `already-admitted`.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    used_at: Option<Timestamp>,
    /// The name of the door at which it was used before, absent if it was the seller.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    used_door: Option<String>,
}

/// Why a code admits nobody. The values are the types of the problems of `checkIn`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum, Serialize)]
#[oai(rename = "CheckInRefusal")]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ScanRefusalView {
    /// It was used before.
    #[oai(rename = "already-admitted")]
    AlreadyAdmitted,
    /// The ticket was refunded.
    #[oai(rename = "admission-refunded")]
    AdmissionRefunded,
    /// The charge was disputed and lost.
    #[oai(rename = "admission-disputed")]
    AdmissionDisputed,
    /// The ticket was given to somebody else, who has another code.
    #[oai(rename = "admission-replaced")]
    AdmissionReplaced,
    /// The listing is withdrawn.
    #[oai(rename = "ticket-withdrawn")]
    TicketWithdrawn,
    /// It is for another event.
    #[oai(rename = "other-listing")]
    OtherListing,
    /// No ticket has it.
    #[oai(rename = "unknown-code")]
    UnknownCode,
}

impl From<ScanRefusal> for ScanRefusalView {
    fn from(refusal: ScanRefusal) -> Self {
        match refusal {
            ScanRefusal::AlreadyAdmitted => Self::AlreadyAdmitted,
            ScanRefusal::Refunded => Self::AdmissionRefunded,
            ScanRefusal::Disputed => Self::AdmissionDisputed,
            ScanRefusal::Replaced => Self::AdmissionReplaced,
            ScanRefusal::Withdrawn => Self::TicketWithdrawn,
            ScanRefusal::OtherListing => Self::OtherListing,
            ScanRefusal::UnknownCode => Self::UnknownCode,
        }
    }
}

impl From<RefusedScan> for ConflictView {
    fn from(scan: RefusedScan) -> Self {
        let state = scan.admission.state();
        let (used_at, used_door) = scan.first.map(|first| (first.at, first.door)).unzip();
        Self {
            admission_id: state.id,
            number: state.number,
            of: state.of,
            holder: scan.holder,
            reason: scan.refusal.into(),
            scanned_at: scan.scanned.at,
            door: scan.scanned.door,
            used_at,
            used_door: used_door.flatten(),
        }
    }
}

impl Example for ConflictView {
    fn example() -> Self {
        Self {
            admission_id: AdmissionId::example(),
            number: 1,
            of: 2,
            holder: Some("Ada Lovelace".to_owned()),
            reason: ScanRefusalView::AlreadyAdmitted,
            scanned_at: Timestamp::from_millis(2_064_337_800_000),
            door: Some("South gate".to_owned()),
            used_at: Some(Timestamp::from_millis(2_064_337_200_000)),
            used_door: Some("North gate".to_owned()),
        }
    }
}
