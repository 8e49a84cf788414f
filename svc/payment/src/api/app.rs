//! The dependencies of the handlers.

use std::sync::Arc;

use db::Db;
use poem_openapi::Tags;
use values::Clock;

use crate::{domain::CardAttempts, jobs::Settler, stripe::WebhookReceiver};

/// The dependencies of the handlers.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) settler: Settler,
    /// Identifies the Stripe account to browsers.
    pub(crate) publishable_key: Option<Arc<str>>,
    pub(crate) webhook_receiver: WebhookReceiver,
    pub(crate) attempts: CardAttempts,
}

#[derive(Tags)]
pub(crate) enum Tag {
    /// Payments for orders, and what sellers earn.
    #[oai(rename = "Payments")]
    Payments,
}
