//! What the handlers share.

use std::time::Duration;

use db::Db;
use poem_openapi::Tags;
use values::Clock;

/// The state of the handlers.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    /// The time to pay an order, unless its listing has its own.
    pub(crate) order_window: Duration,
    pub(crate) max_tickets_per_order: u32,
}

/// The group of the operations in the API reference.
#[derive(Tags)]
pub(super) enum Tag {
    /// Order tickets, pay in time, and give tickets back.
    #[oai(rename = "Orders")]
    Orders,
}
