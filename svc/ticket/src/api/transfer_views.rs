//! Transfers in JSON.

use events::TransferStatus;
use poem_openapi::{Enum, Object, types::Example};
use serde::Serialize;
use values::{AdmissionId, TicketId, Timestamp};

use crate::{
    domain::{OpenOffer, ShortText, TimeZoneName},
    use_cases::FoundTransfer,
};

/// The offer of a ticket to somebody else, as its holder sees it.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "Transfer", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransferView {
    admission_id: AdmissionId,
    /// The recipient's address.
    email: String,
    offered_at: Timestamp,
    /// Until when it can be accepted: for seven days, or until the event begins.
    expires_at: Timestamp,
}

impl TransferView {
    pub(crate) fn new(admission_id: AdmissionId, offer: OpenOffer) -> Self {
        Self {
            admission_id,
            email: offer.address,
            offered_at: offer.offered_at,
            expires_at: offer.expires_at,
        }
    }
}

impl Example for TransferView {
    fn example() -> Self {
        let offered_at = Timestamp::from_millis(1_796_040_000_000);
        Self {
            admission_id: AdmissionId::example(),
            email: "grace@example.com".to_owned(),
            offered_at,
            expires_at: Timestamp::from_millis(1_796_644_800_000),
        }
    }
}

/// A ticket that is offered, as who has the link sees it. It has no code.
#[derive(Clone, Debug, Object, Serialize)]
#[oai(rename = "OfferedTicket", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfferedTicketView {
    status: TransferStatusView,
    /// The listing.
    ticket_id: TicketId,
    title: String,
    #[oai(nullable)]
    venue: Option<String>,
    #[oai(nullable)]
    starts_at: Option<Timestamp>,
    /// The time zone of the venue.
    #[oai(nullable)]
    time_zone: Option<String>,
    /// The name of who gives the ticket, or else the email address; `null` if it is not known, or if the offer has ended.
    #[oai(nullable)]
    from: Option<String>,
    /// Until when it can be accepted, unless the event begins before.
    expires_at: Timestamp,
}

/// Where a transfer stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum, Serialize)]
#[oai(rename = "TransferStatus", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub(crate) enum TransferStatusView {
    /// It can be accepted.
    Offered,
    /// Somebody has accepted it.
    Accepted,
    /// The recipient has declined it.
    Declined,
    /// The giver has taken it back, or the ticket was used or is void.
    Cancelled,
    /// It was not accepted in time.
    Expired,
}

impl From<TransferStatus> for TransferStatusView {
    fn from(status: TransferStatus) -> Self {
        match status {
            TransferStatus::Offered => Self::Offered,
            TransferStatus::Accepted => Self::Accepted,
            TransferStatus::Declined => Self::Declined,
            TransferStatus::Cancelled => Self::Cancelled,
            TransferStatus::Expired => Self::Expired,
        }
    }
}

impl OfferedTicketView {
    pub(crate) fn new(found: &FoundTransfer, giver: Option<String>) -> Self {
        let terms = &found.listing.state().terms;
        Self {
            status: found.status.into(),
            ticket_id: found.listing.id(),
            title: terms.title.as_str().to_owned(),
            venue: terms.venue.clone().map(ShortText::into_string),
            starts_at: terms.starts_at,
            time_zone: terms.time_zone.clone().map(TimeZoneName::into_string),
            from: giver.filter(|_| found.status == TransferStatus::Offered),
            expires_at: found.transfer.state().expires_at,
        }
    }
}

impl Example for OfferedTicketView {
    fn example() -> Self {
        Self {
            status: TransferStatusView::Offered,
            ticket_id: TicketId::example(),
            title: "Die Goldberg-Variationen".to_owned(),
            venue: Some("Laeiszhalle, Hamburg".to_owned()),
            starts_at: Some(Timestamp::from_millis(2_064_339_000_000)),
            time_zone: Some("Europe/Berlin".to_owned()),
            from: Some("Ada Lovelace".to_owned()),
            expires_at: Timestamp::from_millis(1_796_644_800_000),
        }
    }
}
