//! Controls for tests, which Stripe does not have: in Rust on [`Sim`](crate::Sim), over HTTP under `/_sim/`.

pub(crate) mod authentication_page;
mod http_api;
mod rust_api;

pub(crate) use http_api::handle;
