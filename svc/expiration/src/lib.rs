//! The expiration service: it publishes the expiration of each unpaid order once its deadline has passed.
//!
//! The order service decides whether the order ends. The broker wakes this service; deadlines are read from the database.

mod api;
mod domain;
mod events;
mod jobs;
mod metrics;
mod service;
mod settings;
mod store;
#[cfg(test)]
mod test_support;
mod use_cases;

pub use api::{Api, App};
pub use service::Expiration;
pub use settings::{Settings, SweepSettings};
