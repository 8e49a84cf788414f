use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use values::{Money, OrderId, PaymentId, RefundId, TicketId, Timestamp, UserId, text_enum};

/// A refund of tickets of one paid order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refund {
    /// The refund.
    pub id: RefundId,
    /// The number of this state of the refund: 1, 2, 3 …
    pub version: u64,
    /// Its status.
    pub status: RefundStatus,
    /// The order.
    pub order_id: OrderId,
    /// The payment of the order.
    pub payment_id: PaymentId,
    /// The buyer.
    pub buyer_id: UserId,
    /// The seller.
    pub seller_id: UserId,
    /// The listing.
    pub ticket_id: TicketId,
    /// The number of tickets.
    pub quantity: u32,
    /// The amount paid for them.
    pub amount: Money,
    /// Who requested it.
    pub asked_by: AskedBy,
    /// The reason, in the words of the buyer or seller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it could not be paid, as text for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Whether its tickets are on sale again: if it is paid, and by the terms of the listing.
    #[serde(default)]
    pub returned: bool,
    /// The version of the payment that this state is taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_version: Option<u64>,
    /// When it was requested.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

text_enum! {
    /// The status of a refund.
    #[derive(JsonSchema)]
    pub enum RefundStatus {
        /// The buyer requested it; the seller has not decided.
        Requested = "requested",
        /// The amount is to be paid back.
        Approved = "approved",
        /// The seller declined it.
        Declined = "declined",
        /// The amount is paid back; the tickets are no longer the buyer's.
        Paid = "paid",
        /// The amount could not be paid back: the tickets stay the buyer's.
        Failed = "failed",
    }
}

text_enum! {
    /// Who requested a refund.
    #[derive(JsonSchema)]
    pub enum AskedBy {
        /// The buyer.
        Buyer = "buyer",
        /// The seller.
        Seller = "seller",
        /// The marketplace, because the listing was withdrawn.
        Withdrawal = "withdrawal",
    }
}
