//! HTTP in, HTTP out: keys, idempotency, faults, headers.

mod auth;
pub(crate) mod browser;
mod endpoint;
mod idempotency;
mod request;

pub(crate) use auth::ApiKeys;
pub(crate) use endpoint::HttpEndpoint;
pub(crate) use idempotency::KeysInUse;
