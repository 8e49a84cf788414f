//! The auth service over HTTP.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod audit_log;
mod encryption;
mod idempotent_sign_up;
mod keys;
mod password_queue;
mod recovery;
mod refresh;
mod sign_in;
mod sign_up;
mod test_app;
