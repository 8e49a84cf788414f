//! The auth service over HTTP.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod audit_log;
mod confirmation;
mod deletion;
mod email_change;
mod encryption;
mod idempotent_sign_up;
mod keys;
mod password_queue;
mod passwords;
mod personal_data;
mod profile;
mod recovery;
mod refresh;
mod second_factor;
mod sessions;
mod sign_in;
mod sign_up;
mod test_app;
