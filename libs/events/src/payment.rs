use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use values::{Money, OrderId, PaymentId, RefundId, UserId, text_enum};

/// One attempt to pay for an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// The attempt.
    pub id: PaymentId,
    /// Counts the states of this attempt: 1, 2, 3 …
    pub version: u64,
    /// Where it stands.
    pub status: PaymentStatus,
    /// What is paid for.
    pub order_id: OrderId,
    /// Who pays.
    pub buyer_id: UserId,
    /// How much.
    pub amount: Money,
}

text_enum! {
    /// Where a payment stands.
    #[derive(JsonSchema)]
    pub enum PaymentStatus {
        /// Under way: the buyer's bank asks its owner, or Stripe has not answered yet. Nothing is set aside.
        Pending = "pending",
        /// The card's bank has set the money aside; it is not taken yet.
        Authorized = "authorized",
        /// The money is taken.
        Captured = "captured",
        /// Nothing was taken, and nothing will be.
        Failed = "failed",
        /// All that was taken is given back. Of which only a part is, stays `captured`.
        Refunded = "refunded",
    }
}

/// A captured payment, of which money went back or may have to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reversal {
    /// The payment. Its version counts this state, too.
    #[serde(flatten)]
    pub payment: Payment,
    /// How much of it was paid back so far, in all; what a lost dispute took is not in it.
    pub refunded_total: Money,
    /// The refund of an order that this is said of. None where money went back that nobody had asked the marketplace for:
    /// by hand, in Stripe's dashboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundOutcome>,
    /// The dispute of this payment, if there ever was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute: Option<Dispute>,
}

/// What became of a refund that the order service had approved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RefundAnswer")]
pub struct RefundOutcome {
    /// The refund.
    pub id: RefundId,
    /// How much it gives back.
    pub amount: Money,
    /// Why it could not be paid, for people; only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A buyer's dispute of a charge with their bank (a chargeback).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dispute {
    /// How it stands.
    pub status: DisputeStatus,
    /// How much the bank wants back.
    pub amount: Money,
}

text_enum! {
    /// How a dispute stands.
    #[derive(JsonSchema)]
    pub enum DisputeStatus {
        /// The bank has not decided; Stripe holds the money.
        Open = "open",
        /// The bank has decided for the seller: the money stays.
        Won = "won",
        /// The bank has decided for the buyer: the money is gone.
        Lost = "lost",
    }
}
