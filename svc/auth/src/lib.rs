//! The auth service: accounts, sessions, and the keys with which access tokens are verified.
//!
//! The other services verify access tokens with the keys at `/jwks.json`. It publishes the end of each session, whose access
//! tokens they refuse from then on.

mod api;
mod command;
mod domain;
mod events;
mod jobs;
mod keys;
mod metrics;
mod passwords;
mod service;
mod settings;
mod store;
#[cfg(test)]
mod test_support;
mod use_cases;

pub use command::{Command, KeysCommand};
pub use service::Auth;
pub use settings::{EncryptionKeyFlag, MailKeyFlag, Settings};

#[doc(hidden)]
pub use domain::common_password_digest;
