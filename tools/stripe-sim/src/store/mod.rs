//! Every SQL statement: one SQLite connection, in memory or in a file, and one transaction per request.

mod database;
pub(crate) mod deliveries;
pub(crate) mod journal;
mod objects;
mod pages;
mod scheduled_effects;
pub(crate) mod stored_responses;
mod tx;

pub(crate) use database::Database;
pub use database::OpenError;
pub(crate) use objects::Object;
pub(crate) use scheduled_effects::{EffectKind, ScheduledEffect, remove_scheduled, schedule, scheduled};
pub(crate) use tx::{RequestContext, Tx};
