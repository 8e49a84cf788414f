//! The views and calls of the order service for sellers.

use http::StatusCode;
use serde::Deserialize;
use values::{Money, OrderId, RefundId, TicketId, Timestamp};

use super::{ApiError, ApiRequest, Caller, Service};

/// A refund that a buyer requests of a seller.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestedRefund {
    pub(crate) id: RefundId,
    pub(crate) order_id: OrderId,
    pub(crate) ticket_id: TicketId,
    pub(crate) quantity: u32,
    pub(crate) amount: Money,
    pub(crate) reason: Option<String>,
    pub(crate) created_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefundPage {
    items: Vec<RequestedRefund>,
    next_cursor: Option<String>,
}

/// How far the refunds of a withdrawn listing are.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Withdrawal {
    /// Sold orders.
    pub(crate) orders: u32,
    pub(crate) refunded: u32,
    pub(crate) pending: u32,
    pub(crate) failed: u32,
}

/// What a seller decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Decision {
    Approve,
    Decline,
}

/// The most pages of refunds that are requested for one page.
const MAX_PAGES: usize = 20;

/// Returns the refunds that wait for a decision of the person, the newest first.
pub(crate) async fn requested_refunds(caller: &impl Caller) -> Result<Vec<RequestedRefund>, ApiError> {
    let mut refunds = Vec::new();
    let mut cursor = None;
    for _ in 0..MAX_PAGES {
        let path = "/api/v1/orders/refunds?state=requested&limit=100".to_owned();
        let request = ApiRequest::get_at(Service::Order, path, cursor.as_deref());
        let page: RefundPage = caller.send(request).await?.json()?;
        refunds.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(refunds)
}

/// Decides a refund.
pub(crate) async fn decide(
    caller: &impl Caller,
    order: OrderId,
    refund: RefundId,
    decision: Decision,
) -> Result<(), ApiError> {
    let verb = match decision {
        Decision::Approve => "approve",
        Decision::Decline => "decline",
    };
    let path = format!("/api/v1/orders/{order}/refunds/{refund}/{verb}");
    caller.send(ApiRequest::post(Service::Order, path)).await.map(drop)
}

/// Returns how far the refunds of a withdrawn listing are; `None` if the order service has not received the withdrawal.
pub(crate) async fn withdrawal(caller: &impl Caller, id: TicketId) -> Result<Option<Withdrawal>, ApiError> {
    match caller.send(ApiRequest::get(Service::Order, withdrawal_path(id))).await {
        Ok(response) => response.json().map(Some),
        Err(error) if error.is_status(StatusCode::NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Requests again the refunds of a withdrawn listing that failed.
pub(crate) async fn retry_withdrawal(caller: &impl Caller, id: TicketId) -> Result<(), ApiError> {
    caller
        .send(ApiRequest::post(Service::Order, withdrawal_path(id)))
        .await
        .map(drop)
}

fn withdrawal_path(id: TicketId) -> String {
    format!("/api/v1/orders/withdrawals/{id}")
}
