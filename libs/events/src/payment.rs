use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use values::{Money, OrderId, PaymentId, RefundId, UserId, text_enum};

/// A payment attempt for one order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// The payment.
    pub id: PaymentId,
    /// The number of this state of the payment: 1, 2, 3 …
    pub version: u64,
    /// Its status.
    pub status: PaymentStatus,
    /// The order.
    pub order_id: OrderId,
    /// The buyer.
    pub buyer_id: UserId,
    /// The amount to be captured.
    pub amount: Money,
}

text_enum! {
    /// The status of a payment.
    #[derive(JsonSchema)]
    pub enum PaymentStatus {
        /// Stripe has not answered yet, or the buyer's bank authenticates the buyer. Nothing is reserved.
        Pending = "pending",
        /// The buyer's bank has reserved the amount; it is not captured yet.
        Authorized = "authorized",
        /// The amount is captured.
        Captured = "captured",
        /// Nothing was captured, and nothing will be.
        Failed = "failed",
        /// The whole amount is paid back. A partly refunded payment stays `captured`.
        Refunded = "refunded",
    }
}

/// A captured payment with its refunds and dispute.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reversal {
    /// The payment. Its version counts changes of refunds and dispute, too.
    #[serde(flatten)]
    pub payment: Payment,
    /// The total amount paid back so far; excludes a lost dispute.
    pub refunded_total: Money,
    /// The refund that this event is about; absent if the operator paid it back by hand, in Stripe's dashboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundOutcome>,
    /// The latest dispute of this payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute: Option<Dispute>,
}

/// The outcome of an approved refund.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RefundAnswer")]
pub struct RefundOutcome {
    /// The refund.
    pub id: RefundId,
    /// The refunded amount.
    pub amount: Money,
    /// Why it could not be paid, as text for people; absent if it was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A dispute of a charge (a chargeback), opened by the buyer at their bank.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dispute {
    /// Its status.
    pub status: DisputeStatus,
    /// The disputed amount.
    pub amount: Money,
}

text_enum! {
    /// The status of a dispute.
    #[derive(JsonSchema)]
    pub enum DisputeStatus {
        /// The bank has not decided; Stripe withholds the amount.
        Open = "open",
        /// The bank has decided for the seller: the amount is returned to the account.
        Won = "won",
        /// The bank has decided for the buyer: the amount is lost.
        Lost = "lost",
    }
}
