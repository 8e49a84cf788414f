//! What the handlers share.

use db::Db;
use poem_openapi::Tags;
use values::Clock;

use crate::domain::OrderLimits;

/// The state of the handlers.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) limits: OrderLimits,
    /// Whether buyers must have confirmed their email address.
    pub(crate) requires_confirmed_address: bool,
}

/// The group of the operations in the API reference.
#[derive(Tags)]
pub(super) enum Tag {
    /// Order tickets, pay in time, and give tickets back.
    #[oai(rename = "Orders")]
    Orders,
}
