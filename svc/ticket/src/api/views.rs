//! Tickets in JSON.

use poem_openapi::{Enum, Object, types::Example};
use values::{Money, TicketId, Timestamp, UserId};

use crate::domain::{Listing, ListingSort, ListingStatus, LongText, ShortText};

/// A listing of `quantity` identical tickets.
#[derive(Clone, PartialEq, Eq, Debug, Object)]
#[oai(rename = "Ticket", rename_all = "camelCase", example)]
pub(crate) struct TicketView {
    id: TicketId,
    /// The seller, who cannot order it.
    seller_id: UserId,
    title: String,
    #[oai(nullable)]
    description: Option<String>,
    #[oai(nullable)]
    venue: Option<String>,
    /// When the event begins; no ticket is sold after that.
    #[oai(nullable)]
    starts_at: Option<Timestamp>,
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
    /// Until when refunds are approved automatically.
    #[oai(nullable)]
    refundable_until: Option<Timestamp>,
    /// Whether refunded tickets go on sale again; otherwise they are void and stay counted as sold.
    resell_refunded: bool,
    /// Counts the seller's changes.
    version: u64,
    created_at: Timestamp,
    /// When the seller last changed it.
    updated_at: Timestamp,
    /// When the seller withdrew it.
    #[oai(nullable)]
    withdrawn_at: Option<Timestamp>,
}

/// Whether a ticket can be bought, and if not, why.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Enum)]
pub(crate) enum TicketStatus {
    /// It can be bought.
    #[oai(rename = "on-sale")]
    OnSale,
    /// All tickets are held or sold; held tickets may become available again.
    #[oai(rename = "sold-out")]
    SoldOut,
    /// The event has begun.
    #[oai(rename = "begun")]
    Begun,
    /// The seller has taken it off sale.
    #[oai(rename = "withdrawn")]
    Withdrawn,
}

impl TicketView {
    /// Returns the view of a listing at the time `now`.
    pub(crate) fn new(listing: Listing, now: Timestamp) -> Self {
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
            starts_at: listing.terms.starts_at,
            price: listing.terms.price,
            order_window_seconds: listing.terms.order_window_seconds,
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
            starts_at: Some(Timestamp::from_millis(2_064_339_000_000)),
            price: Money::example(),
            quantity: 100,
            available: 57,
            held: 3,
            sold: 40,
            status: TicketStatus::OnSale,
            order_window_seconds: None,
            refundable_until: Some(Timestamp::from_millis(2_063_129_400_000)),
            resell_refunded: true,
            version: 1,
            created_at,
            updated_at: created_at,
            withdrawn_at: None,
        }
    }
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
