use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use values::{Money, OrderId, PaymentId, TicketId, Timestamp, UserId, text_enum};

use crate::Dispute;

/// An order and the hold on its tickets.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The order.
    pub id: OrderId,
    /// The number of this state of the order: 1, 2, 3 …
    pub version: u64,
    /// Its status.
    pub status: OrderStatus,
    /// Why it was cancelled; absent otherwise.
    pub cancel_reason: Option<CancelReason>,
    /// The buyer.
    pub buyer_id: UserId,
    /// The seller.
    pub seller_id: UserId,
    /// The listing.
    pub ticket_id: TicketId,
    /// The number of tickets.
    pub quantity: u32,
    /// The price of all tickets.
    pub total: Money,
    /// The deadline for payment.
    pub expires_at: Timestamp,
    /// The payment that the order was confirmed with; no other can be captured for it.
    pub payment_id: Option<PaymentId>,
    /// Refunds and dispute after the sale; absent if there are none. The status stays `complete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_sale: Option<AfterSale>,
    /// State that only the order service stores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<OrderRecord>,
}

/// The rest of an order's state, from which the order service recovers its database after a restore.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderRecord {
    /// The listing's title when the order was placed.
    pub title: String,
    /// The price of one ticket when the order was placed.
    pub price: Money,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When its deadline was moved, because a payment was pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_at: Option<Timestamp>,
    /// Until when the buyer's refunds are approved automatically, by the listing's terms when the order was placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refundable_until: Option<Timestamp>,
    /// The version of the payment that refunds and dispute are taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_version: Option<u64>,
}

impl OrderRecord {
    /// Returns the record of a new order, without optional values.
    pub fn new(title: String, price: Money, created_at: Timestamp) -> Self {
        Self {
            title,
            price,
            created_at,
            updated_at: created_at,
            extended_at: None,
            refundable_until: None,
            payment_version: None,
        }
    }
}

/// Refunds and dispute of a completed order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AfterSale {
    /// The number of refunded tickets.
    pub refunded_quantity: u32,
    /// The number of refunded tickets that are on sale again; the others are void.
    pub returned_quantity: u32,
    /// The amount paid back, by a refund or by hand; excludes a lost dispute.
    pub refunded_amount: Money,
    /// The latest dispute of the charge. While it is open, nothing is refunded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute: Option<Dispute>,
}

text_enum! {
    /// The status of an order.
    #[derive(JsonSchema)]
    pub enum OrderStatus {
        /// The tickets are held, until the deadline.
        Created = "created",
        /// A payment is authorised and will be captured; the order can no longer expire.
        AwaitingPayment = "awaiting:payment",
        /// The order is paid: the tickets are the buyer's.
        Complete = "complete",
        /// The order ended without a sale: the tickets are on sale again.
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// Why an order was cancelled.
    #[derive(JsonSchema)]
    pub enum CancelReason {
        /// The buyer cancelled it.
        User = "user",
        /// It was not paid in time.
        Expired = "expired",
        /// The authorised payment could not be captured.
        PaymentFailed = "payment-failed",
        /// The seller withdrew the listing.
        TicketWithdrawn = "ticket-withdrawn",
    }
}
