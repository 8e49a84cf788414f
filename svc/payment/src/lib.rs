//! The payment service: takes money for orders, once, and only for those that are confirmed.
//!
//! The card is authorised first, the order is confirmed while it still holds its tickets, and only then the money is
//! captured; see `README.md`.

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
mod stripe;
#[cfg(test)]
mod test_support;
mod use_cases;

pub use domain::{BasisPoints, CardLimits, HANDLED_EVENT_TYPES, InvalidBasisPoints, Since};
pub use service::{Command, Payments};
pub use settings::{Settings, StripeSecretKey, StripeSecretKeyFlag, WebhookSecretFlag, WebhookSecrets};
