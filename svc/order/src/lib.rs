//! The order service: who holds which tickets, until when, and whether they are paid.
//!
//! Its stock row decides every race for tickets; see `README.md`.

mod api;
mod domain;
mod events;
mod jobs;
mod metrics;
#[cfg(feature = "model")]
#[doc(hidden)]
pub mod model;
mod service;
mod settings;
mod store;
#[cfg(test)]
mod test_support;
mod use_cases;

pub use sale_limits::SaleLimits;
pub use service::Orders;
pub use settings::Settings;
