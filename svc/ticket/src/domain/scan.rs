//! Scans that a door made without the network.

use std::time::Duration;

use passes::ScannedCode;
use values::{AdmissionId, ScanId, Timestamp};

use super::admission::{Admission, AdmissionUse, CannotUse};

/// The age up to which a scan can be uploaded.
const MAX_AGE: Duration = Duration::from_hours(7 * 24);

/// By how much the clock of a device may be ahead.
const MAX_CLOCK_ERROR: Duration = Duration::from_mins(5);

values::text_enum! {
    /// Why a code admits nobody. The texts are the types of the problems.
    pub(crate) enum ScanRefusal {
        AlreadyAdmitted = "already-admitted",
        Refunded = "admission-refunded",
        Disputed = "admission-disputed",
        Replaced = "admission-replaced",
        Withdrawn = "ticket-withdrawn",
        OtherListing = "other-listing",
        UnknownCode = "unknown-code",
    }
}

/// A scan that a door made without the network.
#[derive(Clone, Debug)]
pub(crate) struct OfflineScan {
    /// Chosen by the device, so that a scan that is uploaded again is recognised.
    pub(crate) id: ScanId,
    pub(crate) code: ScannedCode,
    pub(crate) scanned_at: Timestamp,
}

/// What a scan led to when it was uploaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ScanOutcome {
    /// The admission of the code; `None` if there is none in this listing.
    pub(crate) admission_id: Option<AdmissionId>,
    /// Why it should not have admitted; `None` if it is the use of the admission.
    pub(crate) refusal: Option<ScanRefusal>,
    /// The use that it repeats.
    pub(crate) first: Option<AdmissionUse>,
}

/// A scan that should not have admitted.
#[derive(Clone, Debug)]
pub(crate) struct RefusedScan {
    pub(crate) admission: Admission,
    /// The name of the holder, or else the address; `None` if it is not known.
    pub(crate) holder: Option<String>,
    pub(crate) scanned: AdmissionUse,
    pub(crate) refusal: ScanRefusal,
    /// The use that it repeats.
    pub(crate) first: Option<AdmissionUse>,
}

/// Why a scan cannot be uploaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum InvalidScan {
    #[error("must not be more than a week ago")]
    TooOld,
    #[error("must not be in the future")]
    InFuture,
    #[error("was used for the scan of another code")]
    IdReused,
}

impl OfflineScan {
    /// Checks that the scan can have been made when it says.
    pub(crate) fn check_time(&self, now: Timestamp) -> Result<(), InvalidScan> {
        if self.scanned_at + MAX_AGE < now {
            Err(InvalidScan::TooOld)
        } else if self.scanned_at > now + MAX_CLOCK_ERROR {
            Err(InvalidScan::InFuture)
        } else {
            Ok(())
        }
    }
}

impl ScanOutcome {
    /// The scan is the use of the admission.
    pub(crate) fn admitted(admission: AdmissionId) -> Self {
        Self {
            admission_id: Some(admission),
            refusal: None,
            first: None,
        }
    }

    /// The scan should not have admitted.
    pub(crate) fn refused(admission_id: Option<AdmissionId>, refusal: ScanRefusal) -> Self {
        Self {
            admission_id,
            refusal: Some(refusal),
            first: None,
        }
    }

    /// The admission cannot be used.
    pub(crate) fn cannot_use(admission: AdmissionId, reason: CannotUse) -> Self {
        let refused = Self::refused(Some(admission), (&reason).into());
        match reason {
            CannotUse::Used(first) => Self {
                first: Some(first),
                ..refused
            },
            CannotUse::Refunded | CannotUse::Disputed => refused,
        }
    }
}

impl From<&CannotUse> for ScanRefusal {
    fn from(reason: &CannotUse) -> Self {
        match reason {
            CannotUse::Refunded => Self::Refunded,
            CannotUse::Disputed => Self::Disputed,
            CannotUse::Used(_) => Self::AlreadyAdmitted,
        }
    }
}

#[cfg(test)]
mod tests {
    use passes::CodeSecret;

    use super::*;

    #[test]
    fn a_scan_is_of_the_last_week_and_not_of_the_future() {
        let now = Timestamp::from_millis(2_000_000_000_000);
        let check = |scanned_at| {
            let (id, code) = (ScanId::new(now), ScannedCode::Typed(CodeSecret::new([1; 16])));
            OfflineScan { id, code, scanned_at }.check_time(now)
        };
        let millisecond = Duration::from_millis(1);
        assert_eq!(check(now), Ok(()));
        assert_eq!(check(now - MAX_AGE), Ok(()));
        assert_eq!(check(now - MAX_AGE - millisecond), Err(InvalidScan::TooOld));
        assert_eq!(check(now + MAX_CLOCK_ERROR), Ok(()));
        assert_eq!(check(now + MAX_CLOCK_ERROR + millisecond), Err(InvalidScan::InFuture));
    }
}
