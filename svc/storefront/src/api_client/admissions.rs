//! Admissions: the views and calls of the ticket service for their holders.

use serde::Deserialize;
use values::{AdmissionId, OrderId, TicketId, Timestamp};

use super::{ApiError, ApiRequest, ApiResponse, Caller, Service, transfers::Transfer};

/// The right of one person to enter an event once.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Admission {
    pub(crate) id: AdmissionId,
    pub(crate) ticket_id: TicketId,
    /// Which ticket of the order it is, from 1.
    pub(crate) number: u32,
    /// The number of tickets of the order.
    pub(crate) of: u32,
    pub(crate) holder: Option<String>,
    pub(crate) is_yours: bool,
    pub(crate) state: AdmissionState,
    pub(crate) void_reason: Option<VoidReason>,
    pub(crate) used_at: Option<Timestamp>,
    /// The code for typing; only for the holder of a valid admission.
    pub(crate) code: Option<String>,
    /// The offer to somebody else, while it is open; only for the holder.
    pub(crate) transfer: Option<Transfer>,
}

/// Whether an admission can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AdmissionState {
    Valid,
    Used,
    /// Void, or a state of a later release: the page shows no code.
    #[serde(other)]
    Void,
}

/// Why an admission is void.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum VoidReason {
    Refund,
    Dispute,
    /// A reason of a later release.
    #[serde(other)]
    Other,
}

/// A page of admissions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AdmissionPage {
    pub(crate) items: Vec<Admission>,
    pub(crate) next_cursor: Option<String>,
}

/// Returns a page of the person's admissions, or of those of an order.
pub(crate) async fn list(
    caller: &impl Caller,
    order: Option<OrderId>,
    limit: u32,
    cursor: Option<&str>,
) -> Result<AdmissionPage, ApiError> {
    let request = ApiRequest::get(Service::Ticket, list_path(order, limit, cursor));
    caller.send(request).await?.json()
}

fn list_path(order: Option<OrderId>, limit: u32, cursor: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(format!("/api/v1/admissions?limit={limit}"));
    if let Some(order) = order {
        query.append_pair("orderId", &order.to_string());
    }
    if let Some(cursor) = cursor {
        query.append_pair("cursor", cursor);
    }
    query.finish()
}

/// Returns an admission that the person holds or has bought.
pub(crate) async fn get(caller: &impl Caller, id: AdmissionId) -> Result<Admission, ApiError> {
    let path = format!("/api/v1/admissions/{id}");
    caller.send(ApiRequest::get(Service::Ticket, path)).await?.json()
}

/// Returns the QR code of a valid admission as SVG.
pub(crate) async fn qr(caller: &impl Caller, id: AdmissionId) -> Result<ApiResponse, ApiError> {
    let path = format!("/api/v1/admissions/{id}/qr.svg");
    caller.send(ApiRequest::get(Service::Ticket, path)).await
}

/// Returns a valid admission as PDF.
pub(crate) async fn pass(caller: &impl Caller, id: AdmissionId) -> Result<ApiResponse, ApiError> {
    let path = format!("/api/v1/admissions/{id}/pass.pdf");
    caller.send(ApiRequest::get(Service::Ticket, path)).await
}

/// Returns the valid admissions of an order after a number as PDF, at most 100.
pub(crate) async fn passes(caller: &impl Caller, order: OrderId, after: u32) -> Result<ApiResponse, ApiError> {
    let path = format!("/api/v1/admissions/orders/{order}/passes.pdf?after={after}");
    caller.send(ApiRequest::get(Service::Ticket, path)).await
}
