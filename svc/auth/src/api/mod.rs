//! The HTTP API.

mod app;
mod cookies;
mod credentials;
mod delivery;
mod devices;
mod operations;
mod problems;
mod refresh_token;
mod sign_out_tokens;
mod views;

pub(crate) use app::App;
pub(crate) use operations::Api;
