//! The HTTP API.

mod app;
mod client_address;
mod cookies;
mod credentials;
mod delivery;
mod operations;
mod problems;
mod refresh_token;
mod trusted_proxies;
mod views;

pub(crate) use app::App;
pub(crate) use operations::Api;
