//! The double over real HTTP: driven by hand as any client would, and by async-stripe as our services do.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod async_stripe;
mod browser;
mod client;
mod disputes;
mod disturbances;
mod durability;
mod faults;
mod idempotency;
mod payments;
mod protocol;
mod refunds;
mod three_d_secure;
mod webhooks;
