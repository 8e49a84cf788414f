use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use values::{OrderId, Timestamp};

/// The deadline of an order, when it has passed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Expiration {
    /// The order.
    pub order_id: OrderId,
    /// The version of the order's state that set the deadline.
    pub version: u64,
    /// What passed.
    pub deadline: Timestamp,
}

/// A message to the expiration service itself, which rides the delay queues until its deadline.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timer {
    /// The order.
    pub order_id: OrderId,
    /// When it is due.
    pub deadline: Timestamp,
}
