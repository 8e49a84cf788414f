//! The views and calls of the order service.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use values::{Money, OrderId, TicketId, Timestamp};

use super::{ApiError, ApiRequest, Caller, Service};

/// Tickets of one listing that a buyer holds or has bought.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    pub(crate) status: OrderStatus,
    pub(crate) cancel_reason: Option<CancelReason>,
    pub(crate) ticket: OrderedTicket,
    pub(crate) quantity: u32,
    pub(crate) total: Money,
    /// The deadline for the payment.
    pub(crate) expires_at: Timestamp,
    pub(crate) refundable_until: Option<Timestamp>,
    #[serde(default)]
    pub(crate) refunded_quantity: u32,
    pub(crate) refunded_amount: Option<Money>,
    #[serde(default)]
    pub(crate) disputed: bool,
    pub(crate) created_at: Timestamp,
}

/// The listing as it was when the order was placed.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct OrderedTicket {
    pub(crate) id: TicketId,
    pub(crate) title: String,
    pub(crate) price: Money,
}

/// The status of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrderStatus {
    /// The tickets are held until the deadline.
    Created,
    /// A payment is authorised and will be captured.
    #[serde(rename = "awaiting:payment")]
    AwaitingPayment,
    Complete,
    PartiallyRefunded,
    Refunded,
    Cancelled,
}

/// Why an order was cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CancelReason {
    User,
    Expired,
    PaymentFailed,
    TicketWithdrawn,
}

/// A page of orders.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderPage {
    pub(crate) items: Vec<Order>,
    pub(crate) next_cursor: Option<String>,
}

/// A request to hold tickets.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewOrder {
    pub(crate) ticket_id: TicketId,
    pub(crate) quantity: u32,
    /// The price that the buyer has seen.
    pub(crate) expected_price: Money,
    /// The version of the listing that the buyer has seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ticket_version: Option<u64>,
}

/// A refund of tickets of an order.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refund {
    pub(crate) quantity: u32,
    pub(crate) amount: Money,
    pub(crate) status: RefundStatus,
    pub(crate) created_at: Timestamp,
}

/// The status of a refund.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RefundStatus {
    /// The seller decides.
    Requested,
    /// The money is being paid back.
    Approved,
    Declined,
    Paid,
    Failed,
}

#[derive(Deserialize)]
struct Refunds {
    items: Vec<Refund>,
}

/// A request to pay tickets back.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewRefund {
    pub(crate) quantity: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// Holds tickets.
pub(crate) async fn place(caller: &impl Caller, order: &NewOrder, idempotency_key: &str) -> Result<Order, ApiError> {
    let request = ApiRequest::post(Service::Order, "/api/v1/orders").json(order);
    caller.send(request.idempotency_key(idempotency_key)).await?.json()
}

/// Returns an order of the person.
pub(crate) async fn get(caller: &impl Caller, id: OrderId) -> Result<Order, ApiError> {
    let path = format!("/api/v1/orders/{id}");
    caller.send(ApiRequest::get(Service::Order, path)).await?.json()
}

/// Returns a page of the person's orders, the newest first.
pub(crate) async fn list(caller: &impl Caller, limit: u32, cursor: Option<&str>) -> Result<OrderPage, ApiError> {
    caller
        .send(ApiRequest::get(Service::Order, list_path(limit, cursor)))
        .await?
        .json()
}

fn list_path(limit: u32, cursor: Option<&str>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(format!("/api/v1/orders?limit={limit}"));
    if let Some(cursor) = cursor {
        query.append_pair("cursor", cursor);
    }
    query.finish()
}

/// Gives the tickets back. An order that is paid or being paid stays: then the result is `false`.
pub(crate) async fn cancel(caller: &impl Caller, id: OrderId) -> Result<bool, ApiError> {
    let path = format!("/api/v1/orders/{id}");
    match caller.send(ApiRequest::delete(Service::Order, path)).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_status(StatusCode::CONFLICT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns the refunds of an order, the oldest first.
pub(crate) async fn refunds(caller: &impl Caller, id: OrderId) -> Result<Vec<Refund>, ApiError> {
    let path = format!("/api/v1/orders/{id}/refunds");
    let refunds: Refunds = caller.send(ApiRequest::get(Service::Order, path)).await?.json()?;
    Ok(refunds.items)
}

/// Requests a refund.
pub(crate) async fn request_refund(
    caller: &impl Caller,
    id: OrderId,
    refund: &NewRefund,
    idempotency_key: &str,
) -> Result<Refund, ApiError> {
    let request = ApiRequest::post(Service::Order, format!("/api/v1/orders/{id}/refunds")).json(refund);
    caller.send(request.idempotency_key(idempotency_key)).await?.json()
}
