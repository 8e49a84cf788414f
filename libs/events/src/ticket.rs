use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use values::{Money, TicketId, Timestamp, UserId};

/// A listing of identical tickets, as set by its seller.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// The listing.
    pub id: TicketId,
    /// The number of this state of the listing: 1, 2, 3 …
    pub version: u64,
    /// The seller, who cannot buy these tickets.
    pub seller_id: UserId,
    /// Its title.
    pub title: String,
    /// The price of one ticket.
    pub price: Money,
    /// The number of tickets, including those held and sold.
    pub quantity: u32,
    /// When the event begins; nothing is sold after that.
    pub starts_at: Option<Timestamp>,
    /// Seconds within which an order is to be paid; absent for the default of the marketplace.
    pub order_window_seconds: Option<u32>,
    /// When the seller withdrew it; nothing is sold after that.
    pub withdrawn_at: Option<Timestamp>,
    /// The maximum number of tickets of one buyer; absent for that of the marketplace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per_buyer: Option<u32>,
    /// When the sale begins; absent if tickets are on sale at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sales_begin: Option<Timestamp>,
    /// When the sale ends; absent if it ends with the beginning of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sales_end: Option<Timestamp>,
    /// Whether only buyers who signed in with a second factor can buy; absent if not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub requires_second_factor: bool,
    /// The place of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<String>,
    /// The time zone of the place, by its name in the IANA database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The refund terms; absent if they are the default.
    #[serde(default, skip_serializing_if = "RefundTerms::are_default")]
    pub refund_terms: RefundTerms,
    /// State that only the ticket service stores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<TicketRecord>,
}

/// The refund terms of a listing. By default the seller decides, and refunded tickets are sold again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefundTerms {
    /// Until when refunds are approved automatically, without a decision of the seller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refundable_until: Option<Timestamp>,
    /// Whether refunded tickets are sold again; otherwise they are void.
    pub resell_refunded: bool,
}

impl RefundTerms {
    fn are_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for RefundTerms {
    fn default() -> Self {
        Self {
            refundable_until: None,
            resell_refunded: true,
        }
    }
}

/// The rest of a listing's state, from which the ticket service recovers its database after a restore.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TicketRecord {
    /// The seller's description.
    pub description: Option<String>,
    /// The place of the event; releases up to 0.1 have it here alone.
    pub venue: Option<String>,
    /// When it was listed.
    pub created_at: Timestamp,
    /// When the seller last changed it.
    pub updated_at: Timestamp,
}
