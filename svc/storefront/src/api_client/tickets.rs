//! The views and calls of the ticket service.

use localization::TimeZone;
use serde::Deserialize;
use values::{Money, TicketId, Timestamp, UserId};

use super::{ApiError, ApiRequest, Caller, Service};

/// A listing of `quantity` identical tickets.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ticket {
    pub(crate) id: TicketId,
    pub(crate) seller_id: UserId,
    pub(crate) title: String,
    pub(crate) description: Option<String>,
    pub(crate) venue: Option<String>,
    pub(crate) starts_at: Option<Timestamp>,
    pub(crate) price: Money,
    pub(crate) quantity: u64,
    pub(crate) available: u64,
    pub(crate) held: u64,
    pub(crate) sold: u64,
    pub(crate) status: TicketStatus,
    pub(crate) order_window_seconds: Option<u32>,
    pub(crate) max_per_buyer: u32,
    /// Not in lists.
    pub(crate) order_limits: Option<OrderLimits>,
    pub(crate) refundable_until: Option<Timestamp>,
    pub(crate) resell_refunded: bool,
    pub(crate) version: u64,
    pub(crate) updated_at: Timestamp,
    /// The zone of the venue in the IANA database.
    #[serde(default)]
    pub(crate) time_zone: Option<String>,
    #[serde(default)]
    pub(crate) sales_begin: Option<Timestamp>,
    #[serde(default)]
    pub(crate) sales_end: Option<Timestamp>,
    #[serde(default)]
    pub(crate) requires_second_factor: bool,
    #[serde(default)]
    pub(crate) image: Option<Image>,
}

/// The picture of a listing.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Image {
    /// A path of the API, which changes with the picture.
    pub(crate) url: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Ticket {
    /// Returns the time zone of the venue.
    pub(crate) fn zone(&self) -> TimeZone {
        TimeZone::of_listing(self.time_zone.as_deref())
    }
}

/// The marketplace's limits of one buyer.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderLimits {
    pub(crate) max_per_order: u32,
}

/// Whether a ticket can be bought, and if not, why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TicketStatus {
    OnSale,
    SoldOut,
    SaleNotBegun,
    SaleEnded,
    Begun,
    Withdrawn,
    /// A status of a later release.
    #[serde(other)]
    Other,
}

/// The maximum number of pages that are read until one has a listing.
const MAX_PAGES_READ: usize = 10;

/// A page of listings.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TicketPage {
    pub(crate) items: Vec<Ticket>,
    pub(crate) next_cursor: Option<String>,
}

/// Returns a page of listings. `query` has the other parameters of the operation `listTickets`, encoded.
pub(crate) async fn list(caller: &impl Caller, query: &str, cursor: Option<&str>) -> Result<TicketPage, ApiError> {
    let path = format!("/api/v1/tickets?{query}");
    let request = ApiRequest::get_at(Service::Ticket, path, cursor);
    caller.send(request).await?.json()
}

/// Returns the first page from `cursor` on that has a listing: pages of a search may be empty although others follow. If too many
/// are, the last of them is returned.
pub(crate) async fn find(caller: &impl Caller, query: &str, cursor: Option<&str>) -> Result<TicketPage, ApiError> {
    let mut page = list(caller, query, cursor).await?;
    for _ in 1..MAX_PAGES_READ {
        match page.next_cursor.as_deref() {
            Some(cursor) if page.items.is_empty() => page = list(caller, query, Some(cursor)).await?,
            _ => break,
        }
    }
    Ok(page)
}

/// Returns a listing.
pub(crate) async fn get(caller: &impl Caller, id: TicketId) -> Result<Ticket, ApiError> {
    let path = format!("/api/v1/tickets/{id}");
    caller.send(ApiRequest::get(Service::Ticket, path)).await?.json()
}
