//! The service with everything real around it: the broker, its database file, its HTTP port.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod access;
mod deadlines;
mod town;
