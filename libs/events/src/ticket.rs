use ids::{Money, TicketId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A listing of identical tickets, as its seller wants it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// The listing.
    pub id: TicketId,
    /// Counts the states of this listing: 1, 2, 3 …
    pub version: u64,
    /// Who sells, and therefore cannot buy.
    pub seller_id: UserId,
    /// What it is called.
    pub title: String,
    /// The price of one ticket.
    pub price: Money,
    /// How many the seller wants to sell in all, those held and sold included.
    pub quantity: u32,
    /// When the event begins; nothing is sold after that.
    pub starts_at: Option<Timestamp>,
    /// Seconds within which an order of this listing is to be paid, where that is not the marketplace's usual window.
    pub order_window_seconds: Option<u32>,
    /// When the seller withdrew it; nothing is sold after that.
    pub withdrawn_at: Option<Timestamp>,
    /// What nobody but the ticket service keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<TicketRecord>,
}

/// What the ticket service knows of a listing besides: with it, its database can be made whole from what it has said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TicketRecord {
    /// What the seller tells about it.
    pub description: Option<String>,
    /// Where the event is.
    pub venue: Option<String>,
    /// When it was listed.
    pub created_at: Timestamp,
    /// When the seller last changed it.
    pub updated_at: Timestamp,
}
