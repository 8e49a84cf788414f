//! The state that handlers share.

use std::time::Duration;

use db::Db;
use poem_openapi::Tags;
use values::Clock;

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) window: Duration,
    pub(crate) max_tickets_per_order: u32,
}

#[derive(Tags)]
pub(crate) enum Tag {
    /// Holding tickets until they are paid, and giving them back.
    #[oai(rename = "Orders")]
    Orders,
}
