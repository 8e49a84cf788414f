//! The double held against what Stripe itself publishes: its OpenAPI description and its double, stripe-mock, and its
//! library for Python. Each is fetched once; where that cannot be, its test says so and is skipped.
#![expect(clippy::unwrap_used, reason = "tests")]

mod description;
mod fetched;
mod mock;
mod python;
