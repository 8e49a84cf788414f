use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use values::{AdmissionId, Language, OrderId, TicketId, Timestamp, TransferId, UserId, text_enum};

/// An admission: the right of one person to enter the event of a listing once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Admission {
    /// The admission.
    pub id: AdmissionId,
    /// The number of this state of the admission: 1, 2, 3 …
    pub version: u64,
    /// The order that it was bought with.
    pub order_id: OrderId,
    /// The listing.
    pub ticket_id: TicketId,
    /// The seller.
    pub seller_id: UserId,
    /// Which ticket of the order it is: 1, 2, 3 …
    pub number: u32,
    /// The number of tickets of the order.
    pub of: u32,
    /// Who holds it: the buyer, or the recipient of a transfer.
    pub holder_id: UserId,
    /// Its state.
    pub state: AdmissionState,
    /// When it was used, while its state is `used`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
    /// The text of the QR code, encrypted with the key that ticket and notification share, for the purpose `admission code` and
    /// the admission's id, separated by a space. A transfer replaces the code. Base64url without padding.
    pub sealed_code: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When this state began.
    pub updated_at: Timestamp,
    /// State that only the ticket service stores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<AdmissionRecord>,
}

/// The rest of an admission's state, from which the ticket service recovers its database after a restore.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdmissionRecord {
    /// The SHA-256 of the 16 random bytes of the code, by which it is found. Base64url without padding.
    pub code_hash: String,
    /// Why it is void; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void_reason: Option<VoidReason>,
    /// When it was used, also while it is void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
    /// The name of the door at which it was used; absent if the seller admitted the holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door: Option<String>,
}

text_enum! {
    /// Why an admission is void.
    #[derive(JsonSchema)]
    pub enum VoidReason {
        /// The ticket was refunded.
        Refund = "refund",
        /// The charge was disputed and lost.
        Dispute = "dispute",
    }
}

impl Admission {
    /// Returns the purpose for which the code of an admission is sealed.
    pub fn code_purpose(id: AdmissionId) -> String {
        format!("admission code {id}")
    }
}

text_enum! {
    /// The state of an admission.
    #[derive(JsonSchema)]
    pub enum AdmissionState {
        /// It admits one person.
        Valid = "valid",
        /// Its holder was admitted.
        Used = "used",
        /// It admits nobody: the ticket was refunded, or its charge was disputed and lost.
        Void = "void",
    }
}

/// A transfer of an admission to somebody else.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Transfer {
    /// The transfer.
    pub id: TransferId,
    /// The number of this state of the transfer: 1 while it is offered, 2 once it has ended.
    pub version: u64,
    /// Its status.
    pub status: TransferStatus,
    /// The admission.
    pub admission_id: AdmissionId,
    /// The listing.
    pub ticket_id: TicketId,
    /// Who gives the ticket.
    pub from_id: UserId,
    /// Who has accepted it; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_id: Option<UserId>,
    /// The recipient's address; absent once the transfer has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The language of the offer.
    pub language: Language,
    /// The token of the mailed link, encrypted with the key that ticket and notification share, for the purpose `transfer` and
    /// the transfer's id; absent once the transfer has ended. Base64url without padding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_token: Option<String>,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
    /// When this state began.
    pub updated_at: Timestamp,
    /// State that only the ticket service stores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<TransferRecord>,
}

/// The rest of a transfer's state, from which the ticket service recovers its database after a restore.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransferRecord {
    /// The SHA-256 of the token, by which the transfer is found. Base64url without padding.
    pub token_hash: String,
    /// When the ticket was offered.
    pub offered_at: Timestamp,
}

impl Transfer {
    /// Returns the purpose for which the token of an offer is sealed.
    pub fn token_purpose(id: TransferId) -> String {
        format!("transfer {id}")
    }
}

text_enum! {
    /// The status of a transfer.
    #[derive(JsonSchema)]
    pub enum TransferStatus {
        /// It can be accepted.
        Offered = "offered",
        /// The recipient has accepted: the admission has a new holder and a new code.
        Accepted = "accepted",
        /// The recipient has declined.
        Declined = "declined",
        /// The giver has withdrawn the offer, or the admission was used or voided.
        Cancelled = "cancelled",
        /// It was not accepted in time.
        Expired = "expired",
    }
}
