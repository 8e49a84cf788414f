//! Which package may depend on which, and which module may import which.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod constraints;
mod documents;
mod imports;
mod invariants;
mod modules;
mod packages;
mod rooms;
mod services;
