use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use values::{Money, TicketId, Timestamp, UserId};

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
    /// On which terms buyers give tickets back; absent where they are the usual ones.
    #[serde(default, skip_serializing_if = "RefundTerms::are_usual")]
    pub refund_terms: RefundTerms,
    /// What nobody but the ticket service keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<TicketRecord>,
}

/// On which terms tickets of a listing are given back. As a rule the seller decides, and what goes back is sold again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefundTerms {
    /// Until when a buyer gets a refund without the seller being asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refundable_until: Option<Timestamp>,
    /// Whether refunded tickets are sold again; otherwise they are void.
    pub resell_refunded: bool,
}

impl RefundTerms {
    fn are_usual(&self) -> bool {
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
