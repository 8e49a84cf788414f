//! Tests of the service with a real broker, database file, HTTP port and SMTP server.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod orders;
mod personal_data;
mod restored;
mod smtp_faults;
mod test_app;
mod tls_and_folder;
mod transfers;
mod undelivered;
