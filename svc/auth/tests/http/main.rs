//! The auth service over HTTP, as a stranger uses it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod idempotent_sign_up;
mod keys;
mod person;
mod refresh;
mod sign_in;
mod sign_up;
