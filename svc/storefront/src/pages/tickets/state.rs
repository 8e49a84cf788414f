//! The state of a ticket in words.

use crate::api_client::admissions::{Admission, AdmissionState, VoidReason};

/// Returns the id of the text of the badge, and its class.
pub(super) const fn badge(admission: &Admission) -> (&'static str, &'static str) {
    match (admission.state, admission.void_reason) {
        (AdmissionState::Valid, _) if !admission.is_yours => ("ticket-given-away", ""),
        (AdmissionState::Valid, _) if admission.transfer.is_some() => ("ticket-offered", "badge--good"),
        (AdmissionState::Valid, _) => ("ticket-valid", "badge--good"),
        (AdmissionState::Used, _) => ("ticket-used", ""),
        (AdmissionState::Void, Some(VoidReason::Refund)) => ("ticket-refunded", "badge--bad"),
        (AdmissionState::Void, _) => ("ticket-void", "badge--bad"),
    }
}

/// Returns the id of the sentence that says why a ticket shows no code.
pub(super) const fn explanation(admission: &Admission) -> Option<&'static str> {
    match (admission.state, admission.void_reason) {
        (AdmissionState::Valid, _) if admission.is_yours => None,
        (AdmissionState::Valid, _) => Some("ticket-given-away-explanation"),
        (AdmissionState::Used, _) => Some("ticket-used-explanation"),
        (AdmissionState::Void, Some(VoidReason::Refund)) => Some("ticket-refunded-explanation"),
        (AdmissionState::Void, Some(VoidReason::Dispute)) => Some("ticket-disputed-explanation"),
        (AdmissionState::Void, Some(VoidReason::Other) | None) => Some("ticket-void-explanation"),
    }
}
