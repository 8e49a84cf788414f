//! Compares the simulator with three things that Stripe publishes: its OpenAPI description, stripe-mock, and its library
//! for Python. Each is fetched once. Where that fails, the test prints the reason and is skipped.
#![expect(clippy::unwrap_used, reason = "tests")]

mod comparison;
mod description;
mod python;
mod stripe_mock;
