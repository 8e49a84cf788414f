use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use values::{Money, OrderId, PaymentId, RefundId, TicketId, Timestamp, UserId, text_enum};

/// Tickets of one paid order that go back, for what was paid for them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refund {
    /// The refund.
    pub id: RefundId,
    /// Counts the states of this refund: 1, 2, 3 …
    pub version: u64,
    /// Where it stands.
    pub status: RefundStatus,
    /// Whose tickets go back.
    pub order_id: OrderId,
    /// The payment that they were paid with.
    pub payment_id: PaymentId,
    /// Who bought.
    pub buyer_id: UserId,
    /// Who sold.
    pub seller_id: UserId,
    /// The listing.
    pub ticket_id: TicketId,
    /// How many tickets.
    pub quantity: u32,
    /// What was paid for them.
    pub amount: Money,
    /// Who asked for it.
    pub asked_by: AskedBy,
    /// Why, in their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it could not be paid, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Whether its tickets are on sale again: only once it is paid, and where the listing says so.
    #[serde(default)]
    pub returned: bool,
    /// The newest version of the payment that this follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_version: Option<u64>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it came to stand as it does.
    pub updated_at: Timestamp,
}

text_enum! {
    /// Where a refund stands.
    #[derive(JsonSchema)]
    pub enum RefundStatus {
        /// The buyer asks; the seller has not decided.
        Requested = "requested",
        /// The money is to be paid back.
        Approved = "approved",
        /// The seller said no.
        Declined = "declined",
        /// The money is paid back, and the tickets are no longer the buyer's.
        Paid = "paid",
        /// The money could not be paid back: the tickets stay the buyer's.
        Failed = "failed",
    }
}

text_enum! {
    /// Who asked for a refund.
    #[derive(JsonSchema)]
    pub enum AskedBy {
        /// The buyer.
        Buyer = "buyer",
        /// The seller.
        Seller = "seller",
        /// Nobody: the listing was withdrawn.
        Withdrawal = "withdrawal",
    }
}
