//! Deliveries of events to webhook endpoints: signed, at least once, in no promised order.

mod faults;
mod message;
mod sender;
mod signature;

pub use faults::WebhookFault;
pub(crate) use faults::WebhookFaults;
pub(crate) use sender::{release_held, run};
