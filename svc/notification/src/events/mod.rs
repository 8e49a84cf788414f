//! Events: consumed. The service publishes none.

mod consume;

pub(crate) use consume::{SERVICE_NAME, event_handler};
