//! The simulator over real HTTP: by plain requests, and by async-stripe, the client of the services.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod async_stripe;
mod browser;
mod client;
mod disputes;
mod durability;
mod faults;
mod idempotency;
mod payments;
mod protocol;
mod refunds;
mod stripe_js;
mod three_d_secure;
mod webhook_faults;
mod webhooks;
