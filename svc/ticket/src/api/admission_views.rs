//! Admissions in JSON.

use events::VoidReason;
use poem_openapi::{Enum, Object, types::Example};
use serde::Serialize;
use values::{AdmissionId, OrderId, TicketId, Timestamp, UserId};

use super::transfer_views::TransferView;
use crate::domain::{Admission, Codes, ShownAdmission, UnreadableCode};

/// An admission: the right of one person to enter the event once.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "Admission", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdmissionView {
    id: AdmissionId,
    order_id: OrderId,
    /// The listing.
    ticket_id: TicketId,
    /// Which ticket of the order it is: 1, 2, 3 …
    number: u32,
    /// The number of tickets of the order.
    of: u32,
    holder_id: UserId,
    /// The name of the holder, or else the email address; `null` if it is not known. The buyer of a ticket that was given away
    /// sees the name only.
    #[oai(nullable)]
    holder: Option<String>,
    /// Whether you hold it; the buyer of a ticket that was transferred does not.
    is_yours: bool,
    state: AdmissionStateView,
    /// Why it is void.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    void_reason: Option<VoidReasonView>,
    /// When it was used.
    #[oai(nullable)]
    used_at: Option<Timestamp>,
    /// The code for typing: `0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV`. Only for the holder of a valid admission.
    #[oai(nullable)]
    code: Option<String>,
    /// The text of the QR code. Only for the holder of a valid admission.
    #[oai(nullable)]
    qr: Option<String>,
    /// The offer to somebody else, while it is open. Only for the holder.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer: Option<TransferView>,
    issued_at: Timestamp,
    updated_at: Timestamp,
}

/// Whether an admission can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum, Serialize)]
#[oai(rename = "AdmissionState")]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AdmissionStateView {
    /// It admits one person.
    #[oai(rename = "valid")]
    Valid,
    /// Its holder was admitted.
    #[oai(rename = "used")]
    Used,
    /// It admits nobody.
    #[oai(rename = "void")]
    Void,
}

/// Why an admission is void.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum, Serialize)]
#[oai(rename = "VoidReason")]
#[serde(rename_all = "kebab-case")]
pub(crate) enum VoidReasonView {
    /// The ticket was refunded.
    #[oai(rename = "refund")]
    Refund,
    /// The charge was disputed and lost.
    #[oai(rename = "dispute")]
    Dispute,
}

impl AdmissionStateView {
    /// Returns the state of an admission.
    pub(super) fn of(admission: &Admission) -> Self {
        let state = admission.state();
        match (&state.void, &state.used) {
            (Some(_), _) => Self::Void,
            (None, Some(_)) => Self::Used,
            (None, None) => Self::Valid,
        }
    }
}

impl From<VoidReason> for VoidReasonView {
    fn from(reason: VoidReason) -> Self {
        match reason {
            VoidReason::Refund => Self::Refund,
            VoidReason::Dispute => Self::Dispute,
        }
    }
}

impl AdmissionView {
    /// Returns the view of a user. The code is read for the holder alone.
    pub(crate) fn new(
        shown: ShownAdmission,
        user: UserId,
        now: Timestamp,
        codes: &Codes,
    ) -> Result<Self, UnreadableCode> {
        let state = shown.admission.state();
        let code = if shown.is_held_by(user) && shown.admission.is_valid() {
            Some(codes.read(state.id, &state.code)?)
        } else {
            None
        };
        Ok(Self {
            code: code.as_ref().map(|code| code.secret.short_form()),
            qr: code.as_ref().map(passes::SignedCode::text),
            ..Self::without_code(shown, user, now)
        })
    }

    /// Returns the view of a user, without the code.
    pub(crate) fn without_code(shown: ShownAdmission, user: UserId, now: Timestamp) -> Self {
        let is_yours = shown.is_held_by(user);
        let state = shown.admission.state();
        // The buyer may not know to whom the recipient of the ticket has given it.
        let holder = if is_yours { shown.holder() } else { shown.holder_name };
        let offer = shown.offer.filter(|offer| is_yours && now < offer.expires_at);
        Self {
            id: state.id,
            order_id: state.order_id,
            ticket_id: state.ticket_id,
            number: state.number,
            of: state.of,
            holder_id: state.holder_id,
            is_yours,
            state: AdmissionStateView::of(&shown.admission),
            void_reason: state.void.map(Into::into),
            used_at: state.used.as_ref().map(|used| used.at),
            code: None,
            qr: None,
            transfer: offer.map(|offer| TransferView::new(state.id, offer)),
            issued_at: state.issued_at,
            updated_at: state.updated_at,
            holder,
        }
    }
}

impl Example for AdmissionView {
    fn example() -> Self {
        let issued_at = Timestamp::from_millis(1_796_040_000_000);
        Self {
            id: AdmissionId::example(),
            order_id: OrderId::example(),
            ticket_id: TicketId::example(),
            number: 1,
            of: 2,
            holder_id: UserId::example(),
            holder: Some("Ada Lovelace".to_owned()),
            is_yours: true,
            state: AdmissionStateView::Valid,
            void_reason: None,
            used_at: None,
            code: Some("04D2-PF1R-HF8C-3WWG-8D2X-6M7A-1Q9X".to_owned()),
            qr: Some("T1:04D2PF1RHF8C3WWG8D2X6M7A1Q".to_owned()),
            transfer: None,
            issued_at,
            updated_at: issued_at,
        }
    }
}
