//! Who people are: sign-up, sign-in, sessions, and the keys that access tokens are verified by.
//!
//! It owns accounts and sessions, publishes no events and consumes none. The other services verify access tokens by
//! the keys that are published here, and ask nothing else.

mod account;
mod api;
mod app;
mod attempts;
mod client;
mod command;
mod cookies;
mod current_user;
mod email;
mod grant;
mod hasher;
mod housekeeping;
mod keys;
mod meters;
mod password;
mod random;
mod refresh;
mod refresh_token;
mod service;
mod session;
mod settings;
mod sign_in;
mod sign_out;
mod sign_up;
mod store;
#[cfg(test)]
mod testing;

pub use api::Api;
pub use app::App;
pub use command::{Command, KeysCommand};
pub use service::Auth;
pub use settings::Settings;
