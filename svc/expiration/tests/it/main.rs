//! Tests of the service with a real broker, database file and HTTP port.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod access;
mod audit_log;
mod deadlines;
mod test_app;
