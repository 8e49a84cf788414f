use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use values::{OrderId, Timestamp};

/// An order's deadline that has passed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Expiration {
    /// The order.
    pub order_id: OrderId,
    /// The version of the order's state that set the deadline.
    pub version: u64,
    /// The deadline.
    pub deadline: Timestamp,
}

/// A message of the expiration service to itself, held by the delay queues until its deadline.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timer {
    /// An order that is due then. Others of the same second share the message.
    pub order_id: OrderId,
    /// When it is due.
    pub deadline: Timestamp,
}
