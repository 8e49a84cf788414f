//! The calls of the ticket service that only the seller of a listing makes.

use serde::{Deserialize, Serialize};
use values::{Money, OrderId, TicketId, Timestamp};

use super::{ApiError, ApiRequest, ApiResponse, Caller, Service, tickets::Ticket};

/// A field of a listing that a change may leave as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Change<T> {
    /// The field is left out.
    Keep,
    Set(T),
}

impl<T> Change<T> {
    const fn is_kept(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

/// What a seller offers. A new listing states every field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Offer {
    pub(crate) title: String,
    pub(crate) description: Option<String>,
    pub(crate) venue: Option<String>,
    pub(crate) starts_at: Option<Timestamp>,
    pub(crate) time_zone: Option<String>,
    pub(crate) sales_begin: Option<Timestamp>,
    pub(crate) sales_end: Option<Timestamp>,
    pub(crate) price: Money,
    pub(crate) quantity: u32,
    pub(crate) order_window_seconds: Option<u32>,
    #[serde(skip_serializing_if = "Change::is_kept")]
    pub(crate) max_per_buyer: Change<Option<u32>>,
    pub(crate) requires_second_factor: bool,
    pub(crate) refundable_until: Option<Timestamp>,
    pub(crate) resell_refunded: bool,
}

/// A listing with the version that a change names.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) ticket: Ticket,
    pub(crate) etag: String,
}

impl Listing {
    fn read(response: &ApiResponse) -> Result<Self, ApiError> {
        Ok(Self {
            ticket: response.json()?,
            etag: response.header("etag").unwrap_or_default().to_owned(),
        })
    }
}

/// An order as the seller sees it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListingOrder {
    pub(crate) order_id: OrderId,
    pub(crate) placed_at: Timestamp,
    pub(crate) buyer_name: Option<String>,
    pub(crate) buyer_email: Option<String>,
    pub(crate) state: ListingOrderState,
    #[serde(default)]
    pub(crate) disputed: bool,
    pub(crate) quantity: u32,
    pub(crate) total: Money,
    #[serde(default)]
    pub(crate) refunded_quantity: u32,
    pub(crate) refunded: Money,
}

/// The state of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ListingOrderState {
    Created,
    #[serde(rename = "awaiting:payment")]
    AwaitingPayment,
    Complete,
    PartiallyRefunded,
    Refunded,
    Cancelled,
}

/// A page of orders.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListingOrderPage {
    pub(crate) items: Vec<ListingOrder>,
    pub(crate) next_cursor: Option<String>,
}

fn path(id: TicketId) -> String {
    format!("/api/v1/tickets/{id}")
}

/// Returns a listing with its version.
pub(crate) async fn get(caller: &impl Caller, id: TicketId) -> Result<Listing, ApiError> {
    Listing::read(&caller.send(ApiRequest::get(Service::Ticket, path(id))).await?)
}

/// Creates a listing.
pub(crate) async fn create(caller: &impl Caller, offer: &Offer, idempotency_key: &str) -> Result<Listing, ApiError> {
    let request = ApiRequest::post(Service::Ticket, "/api/v1/tickets").json(offer);
    Listing::read(&caller.send(request.idempotency_key(idempotency_key)).await?)
}

/// Changes a version of a listing.
pub(crate) async fn change(caller: &impl Caller, id: TicketId, offer: &Offer, etag: &str) -> Result<Listing, ApiError> {
    let request = ApiRequest::put(Service::Ticket, path(id)).json(offer).if_match(etag);
    Listing::read(&caller.send(request).await?)
}

/// Withdraws a version of a listing.
pub(crate) async fn withdraw(caller: &impl Caller, id: TicketId, etag: &str) -> Result<(), ApiError> {
    let request = ApiRequest::delete(Service::Ticket, path(id)).if_match(etag);
    caller.send(request).await.map(drop)
}

/// Returns a page of the orders of a listing, the newest first. A listing of another seller does not exist.
pub(crate) async fn orders(
    caller: &impl Caller,
    id: TicketId,
    limit: u32,
    cursor: Option<&str>,
) -> Result<ListingOrderPage, ApiError> {
    let path = format!("{}/orders?limit={limit}", path(id));
    caller
        .send(ApiRequest::get_at(Service::Ticket, path, cursor))
        .await?
        .json()
}

/// Returns at most `most` orders of a listing, the newest, and whether there are more.
pub(crate) async fn newest_orders(
    caller: &impl Caller,
    id: TicketId,
    most: usize,
) -> Result<(Vec<ListingOrder>, bool), ApiError> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = orders(caller, id, 100, cursor.as_deref()).await?;
        found.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() || found.len() >= most {
            return Ok((found, cursor.is_some()));
        }
    }
}

/// Returns a listing of the person; one of another seller does not exist.
pub(crate) async fn own(caller: &impl Caller, id: TicketId) -> Result<Listing, ApiError> {
    orders(caller, id, 1, None).await?;
    get(caller, id).await
}

/// Sets the picture of a listing.
pub(crate) async fn set_image(
    caller: &impl Caller,
    id: TicketId,
    media_type: &str,
    file: Vec<u8>,
) -> Result<(), ApiError> {
    let request = ApiRequest::put(Service::Ticket, format!("{}/image", path(id)));
    caller.send(request.bytes(media_type, file)).await.map(drop)
}

/// Removes the picture of a listing; one without a picture stays as it is.
pub(crate) async fn remove_image(caller: &impl Caller, id: TicketId) -> Result<(), ApiError> {
    let request = ApiRequest::delete(Service::Ticket, format!("{}/image", path(id)));
    caller.send(request).await.map(drop)
}
