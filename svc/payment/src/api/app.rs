//! What every handler works with.

use std::sync::Arc;

use db::Db;
use poem_openapi::Tags;
use values::Clock;

use crate::{jobs::Settler, stripe::Mailbox};

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) settler: Settler,
    /// The Stripe account, as browsers know it.
    pub(crate) publishable_key: Option<Arc<str>>,
    pub(crate) mailbox: Mailbox,
}

#[derive(Tags)]
pub(crate) enum Tag {
    /// Paying for orders.
    #[oai(rename = "Payments")]
    Payments,
}
