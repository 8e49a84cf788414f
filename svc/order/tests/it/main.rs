//! The service over HTTP, with a real broker and a real database.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audit_log;
mod closures;
mod limits;
mod orders;
mod personal_data;
mod prices;
mod refunds;
mod sale_period;
mod sales;
mod test_app;
mod withdrawals;
