//! What a door that works offline gets and sends, in JSON.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use input::{List, Text};
use poem_openapi::{Enum, Object, types::Example};
use serde::Serialize;
use values::{AdmissionId, ScanId, TicketId, Timestamp};

use super::{
    admission_views::{AdmissionStateView, VoidReasonView},
    check_ins::Code,
    conflict_views::ScanRefusalView,
};
use crate::{
    domain::{Admission, Listing, OfflineScan, ScanRefusal, TimeZoneName},
    use_cases::UploadedScan,
};

/// The maximum number of scans in an upload: with the text of a QR code in each, that is less than the 64 KiB of a body.
const MAX_SCANS: usize = 200;

input::object! {
    /// Scans that a door made without the network.
    pub(crate) struct NewScans {
        /// In the order in which they were made.
        scans as "scans": List<NewScan, 1, MAX_SCANS>,
    }
    example: {"scans": [{
        "id": "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e", "code": "0000-0000-0000-0000-0000-0000-0000",
        "scannedAt": "2027-06-01T18:00:00.000Z"
    }]}
}

input::object! {
    /// A scan that a door made without the network.
    pub(crate) struct NewScan {
        /// Chosen by the device, so that a scan that is uploaded again is recognised.
        id as "id": ScanId,
        /// The text of the QR code, or the 28 letters and digits below it.
        code as "code": Text<Code>,
        /// When the code was scanned: within the last week.
        scanned_at as "scannedAt": Timestamp,
    }
    example: {
        "id": "01936f5e-8c1a-7c3e-9d2b-4f6a8b0c2d4e", "code": "0000-0000-0000-0000-0000-0000-0000",
        "scannedAt": "2027-06-01T18:00:00.000Z"
    }
}

impl NewScans {
    /// Returns the scans.
    pub(super) fn into_scans(self) -> Vec<OfflineScan> {
        let scans = self.scans.into_vec().into_iter();
        scans
            .map(|scan| OfflineScan {
                id: scan.id,
                code: scan.code.0.into_code(),
                scanned_at: scan.scanned_at,
            })
            .collect()
    }
}

/// What a door needs to verify codes without the network.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "OfflineCheckIns", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfflineCheckInsView {
    ticket_id: TicketId,
    title: String,
    /// The time zone of the venue; `null` if none is set.
    #[oai(nullable)]
    time_zone: Option<String>,
    /// `null` if none is set.
    #[oai(nullable)]
    starts_at: Option<Timestamp>,
    /// Whether the listing is withdrawn: its tickets admit nobody.
    is_withdrawn: bool,
    /// The Ed25519 key that verifies codes: 32 bytes in base64url.
    public_key: String,
    /// The time of the service, for a device whose clock is wrong.
    now: Timestamp,
    /// Admissions that have changed since they were issued, in the order of their last changes. Those that are not listed are valid.
    items: Vec<OfflineAdmissionView>,
    /// Send it as `cursor` for the next page; `null` on the last one.
    #[oai(nullable)]
    next_cursor: Option<String>,
    /// Send it as `cursor` later for what has changed since.
    changes_cursor: String,
}

/// The state of an admission for a door.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "OfflineAdmission", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfflineAdmissionView {
    admission_id: AdmissionId,
    state: AdmissionStateView,
    /// The SHA-256 of the 16 bytes of its present code, in base64url. Another code of this admission was replaced by a transfer.
    code_hash: String,
    /// Why it is void.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    void_reason: Option<VoidReasonView>,
    /// When it was used.
    #[oai(nullable)]
    used_at: Option<Timestamp>,
    /// The name of the door at which it was used; `null` if by the seller.
    #[oai(nullable)]
    door: Option<String>,
}

impl OfflineCheckInsView {
    /// Returns a page of at most `limit` of the changed admissions.
    pub(super) fn new(
        listing: Listing,
        public_key: String,
        now: Timestamp,
        mut changed: Vec<(Admission, i64)>,
        limit: usize,
        cursor: impl Fn(Option<i64>) -> String,
    ) -> Self {
        let has_more = changed.len() > limit;
        changed.truncate(limit);
        let changes_cursor = cursor(changed.last().map(|(_, change)| *change));
        let state = listing.into_state();
        Self {
            ticket_id: state.id,
            title: state.terms.title.into_string(),
            time_zone: state.terms.time_zone.map(TimeZoneName::into_string),
            starts_at: state.terms.starts_at,
            is_withdrawn: state.withdrawn_at.is_some(),
            public_key,
            now,
            items: changed.iter().map(|(admission, _)| admission.into()).collect(),
            next_cursor: has_more.then(|| changes_cursor.clone()),
            changes_cursor,
        }
    }
}

impl From<&Admission> for OfflineAdmissionView {
    fn from(admission: &Admission) -> Self {
        let state = admission.state();
        Self {
            admission_id: state.id,
            state: AdmissionStateView::of(admission),
            code_hash: BASE64_URL_SAFE_NO_PAD.encode(state.code.hash),
            void_reason: state.void.map(Into::into),
            used_at: state.used.as_ref().map(|used| used.at),
            door: state.used.as_ref().and_then(|used| used.door.clone()),
        }
    }
}

impl Example for OfflineCheckInsView {
    fn example() -> Self {
        Self {
            ticket_id: TicketId::example(),
            title: "The Lighthouse Keepers, live".to_owned(),
            time_zone: Some("Europe/Berlin".to_owned()),
            starts_at: Some(Timestamp::from_millis(2_064_340_800_000)),
            is_withdrawn: false,
            public_key: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".to_owned(),
            now: Timestamp::from_millis(2_064_330_000_000),
            items: vec![OfflineAdmissionView::example()],
            next_cursor: None,
            changes_cursor: "eyJsaXN0IjoiYSIsInBvc2l0aW9uIjo3fQ".to_owned(),
        }
    }
}

impl Example for OfflineAdmissionView {
    fn example() -> Self {
        Self {
            admission_id: AdmissionId::example(),
            state: AdmissionStateView::Used,
            code_hash: "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0".to_owned(),
            void_reason: None,
            used_at: Some(Timestamp::from_millis(2_064_337_200_000)),
            door: Some("North gate".to_owned()),
        }
    }
}

/// What uploaded scans led to.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "CheckInUpload", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OutcomesView {
    /// One for each scan, in their order.
    items: Vec<OutcomeView>,
}

/// What an uploaded scan led to.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "CheckInUploadResult", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OutcomeView {
    id: ScanId,
    result: ResultView,
    /// The admission of the code; `null` if this listing has none.
    #[oai(nullable)]
    admission_id: Option<AdmissionId>,
    /// Why it should not have admitted; absent of `admitted`.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ScanRefusalView>,
    /// When the ticket was used before; only of `duplicate`.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    used_at: Option<Timestamp>,
    /// The name of the door at which it was used before, absent if it was the seller; only of `duplicate`.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    door: Option<String>,
}

/// The result of an uploaded scan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum, Serialize)]
#[oai(rename = "CheckInResult")]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ResultView {
    /// The scan is the use of the ticket.
    #[oai(rename = "admitted")]
    Admitted,
    /// The ticket was used before.
    #[oai(rename = "duplicate")]
    Duplicate,
    /// The ticket was refunded, disputed or given to somebody else, or the listing is withdrawn.
    #[oai(rename = "void")]
    Void,
    /// The listing has no ticket with this code.
    #[oai(rename = "unknown")]
    Unknown,
}

impl From<Option<ScanRefusal>> for ResultView {
    fn from(refusal: Option<ScanRefusal>) -> Self {
        match refusal {
            None => Self::Admitted,
            Some(ScanRefusal::AlreadyAdmitted) => Self::Duplicate,
            Some(ScanRefusal::Refunded | ScanRefusal::Disputed | ScanRefusal::Replaced | ScanRefusal::Withdrawn) => {
                Self::Void
            }
            Some(ScanRefusal::OtherListing | ScanRefusal::UnknownCode) => Self::Unknown,
        }
    }
}

impl OutcomesView {
    /// Returns the outcomes of the scans with these ids.
    pub(super) fn new(ids: Vec<ScanId>, scans: Vec<UploadedScan>) -> Self {
        let items = ids.into_iter().zip(scans);
        let items = items.map(|(id, UploadedScan { outcome, .. })| {
            let (used_at, door) = outcome.first.map(|first| (first.at, first.door)).unzip();
            OutcomeView {
                id,
                result: outcome.refusal.into(),
                admission_id: outcome.admission_id,
                reason: outcome.refusal.map(Into::into),
                used_at,
                door: door.flatten(),
            }
        });
        Self { items: items.collect() }
    }
}

impl Example for OutcomesView {
    fn example() -> Self {
        Self {
            items: vec![OutcomeView::example()],
        }
    }
}

impl Example for OutcomeView {
    fn example() -> Self {
        Self {
            id: ScanId::example(),
            result: ResultView::Duplicate,
            admission_id: Some(AdmissionId::example()),
            reason: Some(ScanRefusalView::AlreadyAdmitted),
            used_at: Some(Timestamp::from_millis(2_064_337_200_000)),
            door: Some("North gate".to_owned()),
        }
    }
}
