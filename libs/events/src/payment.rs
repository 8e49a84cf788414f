use ids::{Money, OrderId, PaymentId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// Where a payment stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentStatus {
    /// The card's bank has set the money aside; it is not taken yet.
    Authorized,
    /// The money is taken.
    Captured,
    /// Nothing was taken, and nothing will be.
    Failed,
    /// What was taken is given back.
    Refunded,
}
