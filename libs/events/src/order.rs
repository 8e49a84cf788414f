use ids::{Money, OrderId, PaymentId, TicketId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An order, and with it the hold on its tickets.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The order.
    pub id: OrderId,
    /// Counts the states of this order: 1, 2, 3 …
    pub version: u64,
    /// Where it stands.
    pub status: OrderStatus,
    /// Why it was cancelled; only then.
    pub cancel_reason: Option<CancelReason>,
    /// Who buys.
    pub buyer_id: UserId,
    /// Who sells.
    pub seller_id: UserId,
    /// What is bought.
    pub ticket_id: TicketId,
    /// How many.
    pub quantity: u32,
    /// What the buyer owes for all of them.
    pub total: Money,
    /// The deadline for paying.
    pub expires_at: Timestamp,
    /// The payment that the order was confirmed with; from then on no other can be captured for it.
    pub payment_id: Option<PaymentId>,
    /// What nobody but the order service keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<OrderRecord>,
}

/// What the order service knows of an order besides: with it, its database can be made whole from what it has said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderRecord {
    /// The listing's title when the order was placed.
    pub title: String,
    /// The price of one ticket when the order was placed.
    pub price: Money,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it came to stand as it does.
    pub updated_at: Timestamp,
}

/// Where an order stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrderStatus {
    /// The tickets are held, until the deadline.
    Created,
    /// Confirmed: a payment is authorised and will be captured. It can no longer expire.
    #[serde(rename = "awaiting:payment")]
    AwaitingPayment,
    /// Paid: the tickets are the buyer's.
    Complete,
    /// Ended without a sale: the tickets are on sale again.
    Cancelled,
}

/// Why an order was cancelled.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CancelReason {
    /// The buyer did.
    User,
    /// It was not paid in time.
    Expired,
    /// The authorised payment could not be captured.
    PaymentFailed,
    /// The seller withdrew the listing.
    TicketWithdrawn,
}
