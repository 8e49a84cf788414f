//! Tickets in JSON.

use poem_openapi::{Enum, Object, types::Example};
use sale_limits::SaleLimits;
use serde::Serialize;
use values::{Money, TicketId, Timestamp, UserId};

use crate::domain::{Image, Listing, ListingSort, ListingStatus, LongText, ShortText, TimeZoneName};

/// A listing of `quantity` identical tickets.
#[derive(Clone, PartialEq, Eq, Debug, Object, Serialize)]
#[oai(rename = "Ticket", rename_all = "camelCase", example)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TicketView {
    id: TicketId,
    /// The seller, who cannot order it.
    seller_id: UserId,
    title: String,
    #[oai(nullable)]
    description: Option<String>,
    #[oai(nullable)]
    venue: Option<String>,
    /// The picture, if there is one.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<ImageView>,
    /// When the event begins; no ticket is sold after that. Orders are to be paid before it.
    #[oai(nullable)]
    starts_at: Option<Timestamp>,
    /// The time zone of the venue: its name in the IANA database.
    #[oai(nullable)]
    time_zone: Option<String>,
    /// When the sale begins; before that, `available` is 0.
    #[oai(nullable)]
    sales_begin: Option<Timestamp>,
    /// When the sale ends, if before the start of the event; after that, `available` is 0.
    #[oai(nullable)]
    sales_end: Option<Timestamp>,
    /// The price of one ticket.
    price: Money,
    /// The number of tickets, including those held and sold.
    quantity: u64,
    /// The number of tickets that can be bought now.
    available: u64,
    /// The number of tickets held by unpaid orders.
    held: u64,
    /// The number of tickets sold, without those that were refunded and went on sale again.
    sold: u64,
    status: TicketStatus,
    /// Seconds within which an order must be paid, if other than the marketplace's order window.
    #[oai(nullable)]
    order_window_seconds: Option<u32>,
    /// The maximum number of tickets that one buyer may hold and have bought.
    max_per_buyer: u32,
    /// Whether only buyers who signed in with a second factor can order.
    requires_second_factor: bool,
    /// The marketplace's limits of one buyer; not in lists.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    order_limits: Option<OrderLimitsView>,
    /// Until when refunds are approved automatically.
    #[oai(nullable)]
    refundable_until: Option<Timestamp>,
    /// Whether refunded tickets go on sale again; otherwise they are void and stay counted as sold.
    resell_refunded: bool,
    /// Counts the seller's changes. An order with this as `ticketVersion` is placed under this version or a later one.
    version: u64,
    created_at: Timestamp,
    /// When the seller last changed it.
    updated_at: Timestamp,
    /// When the seller withdrew it.
    #[oai(nullable)]
    withdrawn_at: Option<Timestamp>,
}

/// The picture of a ticket.
#[derive(Clone, PartialEq, Eq, Debug, Object, Serialize)]
#[oai(rename = "TicketImage", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageView {
    /// The path of the picture, a JPEG. Another picture has another path, so it may be stored for ever. With `&width=640`
    /// appended, the small file.
    url: String,
    /// The width in pixels, at most 1600.
    width: u32,
    /// The height in pixels.
    height: u32,
}

impl ImageView {
    fn new(ticket: TicketId, image: &Image) -> Self {
        Self {
            url: format!("/api/v1/tickets/{ticket}/image?hash={}", image.hash),
            width: image.width,
            height: image.height,
        }
    }
}

/// The marketplace's limits of one buyer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Object, Serialize)]
#[oai(rename = "OrderLimits", rename_all = "camelCase")]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderLimitsView {
    /// The maximum number of tickets in one order.
    max_per_order: u32,
    /// The maximum number of unpaid orders of one buyer, over all tickets.
    max_open_orders: u32,
    /// After so many orders of one buyer that expired or that the buyer cancelled within the window, further orders of this
    /// ticket are refused.
    max_unpaid_holds: u32,
    /// The window in which they are counted together.
    unpaid_hold_window_seconds: u64,
    /// For how long further orders are refused, from the end of the last of them.
    unpaid_hold_pause_seconds: u64,
}

impl From<SaleLimits> for OrderLimitsView {
    fn from(limits: SaleLimits) -> Self {
        Self {
            max_per_order: limits.max_tickets_per_order,
            max_open_orders: limits.max_open_orders,
            max_unpaid_holds: limits.max_unpaid_holds,
            unpaid_hold_window_seconds: limits.unpaid_hold_window.as_secs(),
            unpaid_hold_pause_seconds: limits.unpaid_hold_pause.as_secs(),
        }
    }
}

/// Whether a ticket can be bought, and if not, why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TicketStatus {
    /// It can be bought.
    #[oai(rename = "on-sale")]
    OnSale,
    /// All tickets are held or sold; held tickets may become available again.
    #[oai(rename = "sold-out")]
    SoldOut,
    /// The sale has not begun: it begins at `salesBegin`.
    #[oai(rename = "sale-not-begun")]
    SaleNotBegun,
    /// The sale has ended, at `salesEnd`.
    #[oai(rename = "sale-ended")]
    SaleEnded,
    /// The event has begun.
    #[oai(rename = "begun")]
    Begun,
    /// The seller has taken it off sale.
    #[oai(rename = "withdrawn")]
    Withdrawn,
}

impl TicketView {
    /// Returns the view of a single listing at the time `now`: with the marketplace's limits.
    pub(crate) fn single(listing: Listing, limits: SaleLimits, now: Timestamp) -> Self {
        Self {
            order_limits: Some(limits.into()),
            ..Self::in_list(listing, limits, now)
        }
    }

    /// Returns the view of a listing in a list, at the time `now`.
    pub(crate) fn in_list(listing: Listing, limits: SaleLimits, now: Timestamp) -> Self {
        let (quantity, available, status) = (listing.quantity(), listing.available(now), listing.status(now));
        let listing = listing.into_state();
        Self {
            id: listing.id,
            seller_id: listing.seller_id,
            quantity,
            available,
            held: listing.stock.held,
            sold: listing.stock.sold,
            status: match status {
                ListingStatus::OnSale => TicketStatus::OnSale,
                ListingStatus::SoldOut => TicketStatus::SoldOut,
                ListingStatus::SaleNotBegun => TicketStatus::SaleNotBegun,
                ListingStatus::SaleEnded => TicketStatus::SaleEnded,
                ListingStatus::Begun => TicketStatus::Begun,
                ListingStatus::Withdrawn => TicketStatus::Withdrawn,
            },
            version: listing.version,
            created_at: listing.created_at,
            updated_at: listing.updated_at,
            withdrawn_at: listing.withdrawn_at,
            title: listing.terms.title.into_string(),
            description: listing.terms.description.map(LongText::into_string),
            venue: listing.terms.venue.map(ShortText::into_string),
            image: listing.image.map(|image| ImageView::new(listing.id, &image)),
            starts_at: listing.terms.starts_at,
            time_zone: listing.terms.time_zone.map(TimeZoneName::into_string),
            sales_begin: listing.terms.sale.begin,
            sales_end: listing.terms.sale.end,
            price: listing.terms.price,
            order_window_seconds: listing.terms.order_window_seconds,
            max_per_buyer: limits.max_per_buyer(listing.terms.max_per_buyer),
            requires_second_factor: listing.terms.requires_second_factor,
            order_limits: None,
            refundable_until: listing.terms.refunds.refundable_until,
            resell_refunded: listing.terms.refunds.resell_refunded,
        }
    }
}

impl Example for TicketView {
    fn example() -> Self {
        let created_at = Timestamp::from_millis(1_796_040_000_000);
        Self {
            id: TicketId::example(),
            seller_id: UserId::example(),
            title: "Die Goldberg-Variationen".to_owned(),
            description: Some("On a harpsichord of 1728. Doors open at seven.".to_owned()),
            venue: Some("Laeiszhalle, Hamburg".to_owned()),
            image: Some(ImageView {
                url: format!(
                    "/api/v1/tickets/{}/image?hash=5c1d3a0b7e924f68a1b2c3d4e5f60718",
                    TicketId::example()
                ),
                width: 1600,
                height: 900,
            }),
            starts_at: Some(Timestamp::from_millis(2_064_339_000_000)),
            time_zone: Some("Europe/Berlin".to_owned()),
            sales_begin: Some(Timestamp::from_millis(1_796_040_000_000)),
            sales_end: Some(Timestamp::from_millis(2_064_331_800_000)),
            price: Money::example(),
            quantity: 100,
            available: 57,
            held: 3,
            sold: 40,
            status: TicketStatus::OnSale,
            order_window_seconds: None,
            max_per_buyer: 4,
            requires_second_factor: false,
            order_limits: Some(SaleLimits::default().into()),
            refundable_until: Some(Timestamp::from_millis(2_063_129_400_000)),
            resell_refunded: true,
            version: 1,
            created_at,
            updated_at: created_at,
            withdrawn_at: None,
        }
    }
}

/// Which tickets are listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Enum)]
#[oai(rename = "TicketListState")]
pub(crate) enum StateParameter {
    /// Those that are not withdrawn.
    #[default]
    #[oai(rename = "listed")]
    Listed,
    /// Those that you have withdrawn.
    #[oai(rename = "withdrawn")]
    Withdrawn,
}

/// The sort order of the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Enum)]
#[oai(rename = "TicketSort")]
pub(crate) enum SortParameter {
    /// Newest listing first.
    #[default]
    #[oai(rename = "newest")]
    Newest,
    /// Oldest listing first.
    #[oai(rename = "oldest")]
    Oldest,
    /// Lowest price first, one currency after the other.
    #[oai(rename = "price")]
    Price,
    /// Highest price first, one currency after the other.
    #[oai(rename = "-price")]
    PriceDescending,
    /// Earliest start first, tickets without a start last.
    #[oai(rename = "startsAt")]
    StartsAt,
}

impl From<SortParameter> for ListingSort {
    fn from(sort: SortParameter) -> Self {
        match sort {
            SortParameter::Newest => Self::Newest,
            SortParameter::Oldest => Self::Oldest,
            SortParameter::Price => Self::Price,
            SortParameter::PriceDescending => Self::PriceDescending,
            SortParameter::StartsAt => Self::StartsAt,
        }
    }
}

#[cfg(test)]
mod tests {
    use pagination::{CursorScope, Limit, Page};
    use poem_openapi::types::ToJSON;

    use super::*;

    #[test]
    fn rendered_tickets_are_those_of_the_openapi_document() {
        let texts = "\"quoted\", \\, \u{1F3B8}, \u{2028}, <&>, ö\n\t\r\u{8}";
        let none = TicketView {
            title: texts.to_owned(),
            description: None,
            venue: None,
            image: None,
            starts_at: None,
            time_zone: None,
            sales_begin: None,
            sales_end: None,
            refundable_until: None,
            order_limits: None,
            status: TicketStatus::Begun,
            ..TicketView::example()
        };
        let all = TicketView {
            description: Some(texts.to_owned()),
            order_window_seconds: Some(60),
            withdrawn_at: Some(Timestamp::from_millis(1)),
            status: TicketStatus::SoldOut,
            ..TicketView::example()
        };
        let with_status = |status| TicketView { status, ..all.clone() };
        let withdrawn = with_status(TicketStatus::Withdrawn);
        let early = with_status(TicketStatus::SaleNotBegun);
        let late = with_status(TicketStatus::SaleEnded);
        let scope = CursorScope::new("listTickets", &());
        for tickets in [vec![], vec![all, none, withdrawn, early, late, TicketView::example()]] {
            for limit in ["1", "100"] {
                let limit: Limit = limit.parse().unwrap();
                let page = Page::from_rows(tickets.clone(), &scope, limit, |_| 42, |ticket| ticket);
                assert_eq!(serde_json::to_string(&page).unwrap(), page.to_json_string());
            }
        }
    }
}
