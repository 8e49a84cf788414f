//! Transfers of tickets: the views and calls of the ticket service.

use serde::Deserialize;
use serde_json::json;
use values::{AdmissionId, Timestamp};

use super::{ApiError, ApiRequest, Caller, Service};

/// The open offer of a ticket, as its holder sees it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Transfer {
    /// The recipient's address.
    pub(crate) email: String,
    pub(crate) expires_at: Timestamp,
}

/// A ticket that is offered, as who has the link sees it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfferedTicket {
    pub(crate) status: TransferStatus,
    pub(crate) title: String,
    pub(crate) venue: Option<String>,
    pub(crate) starts_at: Option<Timestamp>,
    pub(crate) time_zone: Option<String>,
    /// The name of the giver; absent if it is not known, or once the offer has ended.
    pub(crate) from: Option<String>,
    pub(crate) expires_at: Timestamp,
}

/// Where a transfer stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TransferStatus {
    Offered,
    Accepted,
    Declined,
    Expired,
    /// Cancelled, or a status of a later release.
    #[serde(other)]
    Cancelled,
}

/// The token of a link, which is part of a path.
#[derive(Clone)]
pub(crate) struct TransferToken(String);

impl TransferToken {
    /// Accepts what can be a token; a path has nothing else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_token = (1..=100).contains(&text.len()) && text.bytes().all(is_plain);
        is_token.then(|| Self(text.to_owned()))
    }

    fn path(&self, end: &str) -> String {
        format!("/api/v1/transfers/{}{end}", self.0)
    }
}

/// Offers a ticket to the holder of an address.
pub(crate) async fn offer(caller: &impl Caller, id: AdmissionId, email: &str, key: &str) -> Result<(), ApiError> {
    let request = ApiRequest::post(Service::Ticket, transfer_path(id)).json(&json!({"email": email}));
    caller.send(request.idempotency_key(key)).await?;
    Ok(())
}

/// Takes an offer back.
pub(crate) async fn take_back(caller: &impl Caller, id: AdmissionId) -> Result<(), ApiError> {
    caller
        .send(ApiRequest::delete(Service::Ticket, transfer_path(id)))
        .await?;
    Ok(())
}

fn transfer_path(id: AdmissionId) -> String {
    format!("/api/v1/admissions/{id}/transfer")
}

/// Returns an offered ticket.
pub(crate) async fn get(caller: &impl Caller, token: &TransferToken) -> Result<OfferedTicket, ApiError> {
    caller
        .send(ApiRequest::get(Service::Ticket, token.path("")))
        .await?
        .json()
}

/// The admission that a person has accepted.
#[derive(Deserialize)]
struct Accepted {
    id: AdmissionId,
}

/// Accepts an offered ticket, and returns its admission.
pub(crate) async fn accept(caller: &impl Caller, token: &TransferToken) -> Result<AdmissionId, ApiError> {
    let request = ApiRequest::post(Service::Ticket, token.path("/accept"));
    let accepted: Accepted = caller.send(request).await?.json()?;
    Ok(accepted.id)
}

/// Declines an offered ticket.
pub(crate) async fn decline(caller: &impl Caller, token: &TransferToken) -> Result<(), ApiError> {
    caller
        .send(ApiRequest::post(Service::Ticket, token.path("/decline")))
        .await?;
    Ok(())
}
