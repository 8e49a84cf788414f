use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use values::{Money, OrderId, PaymentId, TicketId, Timestamp, UserId, text_enum};

use crate::Dispute;

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
    /// What went back after it was paid; absent as long as nothing did. Its status stays `complete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_sale: Option<AfterSale>,
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
    /// When its deadline was moved, because a payment was under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_at: Option<Timestamp>,
    /// Until when the buyer gets a refund without being asked why, as it was promised when the order was placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refundable_until: Option<Timestamp>,
    /// The version of the payment that said what money went back, and what became of a dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_version: Option<u64>,
}

/// What went back of a sale. The sale itself is not undone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AfterSale {
    /// How many tickets were given back, and paid back.
    pub refunded_quantity: u32,
    /// How many of those are on sale again; the others are void.
    pub returned_quantity: u32,
    /// How much was paid back, whoever did; what a lost dispute took is not in it.
    pub refunded_amount: Money,
    /// The buyer's dispute of the charge, if there ever was one. While it is open, nothing is refunded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute: Option<Dispute>,
}

text_enum! {
    /// Where an order stands.
    #[derive(JsonSchema)]
    pub enum OrderStatus {
        /// The tickets are held, until the deadline.
        Created = "created",
        /// Confirmed: a payment is authorised and will be captured. It can no longer expire.
        AwaitingPayment = "awaiting:payment",
        /// Paid: the tickets are the buyer's.
        Complete = "complete",
        /// Ended without a sale: the tickets are on sale again.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// Why an order was cancelled.
    #[derive(JsonSchema)]
    pub enum CancelReason {
        /// The buyer did.
        User = "user",
        /// It was not paid in time.
        Expired = "expired",
        /// The authorised payment could not be captured.
        PaymentFailed = "payment-failed",
        /// The seller withdrew the listing.
        TicketWithdrawn = "ticket-withdrawn",
    }
}
